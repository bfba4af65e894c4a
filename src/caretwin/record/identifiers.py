"""Identifiers of people: what they are called, how they are stored, and whether they can be right.

An NHS number is ten digits of which the last checks the others (NHS Data Dictionary, attribute NHS NUMBER; modulus
11). It is stored as ten digits and shown in groups of 3, 3 and 4; it never stands in a path, a log or an error.
"""

from __future__ import annotations

import re

from nhs_number.validate import is_valid as is_nhs_number

from caretwin.base.errors import DataError
from caretwin.record.entry import Identifier

NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
_NHS_NAMES = frozenset({NHS_NUMBER, "https://fhir.nhs.uk/id/nhs-number", "nhs", "2.16.840.1.113883.2.1.4.1"})
LONGEST = 128
"""Characters of an identifier's value: a longer one is a text in the wrong field (assumed)."""


def identifier(system: str, value: str) -> Identifier:
    """An identifier as the record keeps it.

    system  URI, object identifier or local name of who gives the number; "" is refused
    Raises DataError for an empty or overlong value, and for an NHS number whose check digit is wrong; the message
    does not
    repeat the number.

    >>> identifier("NHS", "943 476 5919")
    Identifier(system='https://fhir.nhs.uk/Id/nhs-number', value='9434765919')
    """
    system, value = system.strip(), value.strip()
    if not system or not value or len(value) > LONGEST or not value.isprintable():
        raise DataError(
            "identifier of a subject",
            seen=f"a system of {len(system)} and a value of {len(value)} characters",
            wanted=f"both, the value printable and of at most {LONGEST} characters",
            fix="look at the sender's patient identifier",
        )
    if system.lower().removeprefix("urn:oid:") in {name.lower() for name in _NHS_NAMES}:
        return Identifier(NHS_NUMBER, nhs(value))
    return Identifier(system, value)


def nhs(text: str) -> str:
    """The ten digits of an NHS number.

    Raises DataError for another count of digits and for a wrong check digit.
    """
    digits = re.sub(r"[\s-]", "", text)
    if not re.fullmatch(r"\d{10}", digits) or not is_nhs_number(digits):
        raise DataError(
            "NHS number",
            seen=f"{len(digits)} characters"
            if not re.fullmatch(r"\d{10}", digits)
            else "ten digits with a wrong check digit",
            wanted="ten digits of which the last is the check digit",
            fix="ask the sender to look at the number: a digit is wrong or two are swapped",
        )
    return digits


def shown(found: Identifier) -> str:
    """An identifier for the eye: an NHS number in its groups.

    >>> shown(Identifier(NHS_NUMBER, "9434765919"))
    '943 476 5919'
    """
    if found.system == NHS_NUMBER and len(found.value) == 10:
        return f"{found.value[:3]} {found.value[3:6]} {found.value[6:]}"
    return found.value
