"""The vocabulary: every code means one thing, every unit can be read, and identifiers are checked."""

from collections import Counter

import pytest

from caretwin.base.errors import DataError
from caretwin.base.units import parse
from caretwin.record.bedside import channels
from caretwin.record.entry import Identifier
from caretwin.record.identifiers import NHS_NUMBER, identifier, nhs, shown
from caretwin.record.vocabulary import LOINC, MDC, SNOMED, by_code, vocabulary


def test_no_code_means_two_things() -> None:
    counts = Counter(code for term in vocabulary().values() for code in term.codes)
    assert [code for code, count in counts.items() if count > 1] == []


def test_every_unit_is_ucum_and_every_range_is_one() -> None:
    for term in vocabulary().values():
        assert parse(term.unit).code, term.name
        assert term.low < term.high, term.name


def test_what_a_bedside_model_takes_in_is_in_the_vocabulary() -> None:
    assert channels().keys() <= vocabulary().keys()
    assert all(vocabulary()[name].unit == channel.unit for name, channel in channels().items())


@pytest.mark.parametrize(
    ("system", "code", "name"),
    [  # UK Core's fixed codes of vital signs (STU2), and IHE's MDC codes of a bedside gateway
        (LOINC, "8867-4", "heart_rate"), (LOINC, "9279-1", "respiratory_rate"), (LOINC, "2708-6", "oxygen_saturation"),
        (LOINC, "8480-6", "systolic_pressure"), (LOINC, "8462-4", "diastolic_pressure"),
        (LOINC, "8310-5", "temperature"), (LOINC, "29463-7", "weight"), (LOINC, "8302-2", "height"),
        (LOINC, "39156-5", "body_mass_index"), (MDC, "147842", "heart_rate"), (MDC, "150033", "systolic_pressure"),
        (MDC, "150034", "diastolic_pressure"), (MDC, "150035", "mean_arterial_pressure"),
        (SNOMED, "1104051000000101", "early_warning_score"),
    ],
)  # fmt: skip
def test_standard_codes_are_known(system: str, code: str, name: str) -> None:
    assert by_code()[system, code] == name


def test_loinc_check_digits_are_right() -> None:
    """Mod 10 (Luhn) as in the LOINC manual, appendix C: a mistyped code is found."""
    for system, code in by_code():
        if system == LOINC and code != "3150-6":  # issued so: inhaled oxygen concentration in US Core pulse oximetry
            digits, check = code.split("-")
            doubled = "".join(str(int(d) * 2) if i % 2 == 0 else d for i, d in enumerate(reversed(digits)))
            assert (10 - sum(map(int, doubled)) % 10) % 10 == int(check), code


def test_snomed_check_digits_are_right() -> None:
    """Verhoeff's scheme, as in the SNOMED CT technical implementation guide."""
    table = [[(i + j) % 5 if i < 5 and j < 5 else 0 for j in range(10)] for i in range(10)]
    for i in range(10):
        for j in range(10):
            turned, mirrored = divmod(i, 5), divmod(j, 5)
            step = (turned[1] + (mirrored[1] if not turned[0] else -mirrored[1])) % 5
            table[i][j] = step + 5 * ((turned[0] + mirrored[0]) % 2)
    first = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]
    powers = [list(range(10)), first]
    while len(powers) < 8:
        powers.append([powers[-1][digit] for digit in first])
    for system, code in by_code():
        if system == SNOMED:
            check = 0
            for place, digit in enumerate(reversed(code)):
                check = table[check][powers[place % 8][int(digit)]]
            assert check == 0, code


def test_an_nhs_number_is_checked_and_never_repeated_in_an_error() -> None:
    assert identifier("https://fhir.nhs.uk/Id/nhs-number", "943 476 5919") == Identifier(NHS_NUMBER, "9434765919")
    assert shown(Identifier(NHS_NUMBER, "9434765919")) == "943 476 5919"
    for wrong in ("943 476 5918", "94347659", "943476591X", ""):
        with pytest.raises(DataError) as error:
            nhs(wrong)
        assert not wrong or wrong not in str(error.value)


def test_an_identifier_needs_a_system_and_a_printable_value() -> None:
    assert identifier("urn:hospital", " 12 ") == Identifier("urn:hospital", "12")
    for system, value in (("", "1"), ("urn:x", ""), ("urn:x", "a\x00b"), ("urn:x", "1" * 500)):
        with pytest.raises(DataError):
            identifier(system, value)
