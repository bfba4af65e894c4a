"""How units are written at the bedside, and what UCUM calls them.

``ACCEPTED`` holds spellings with one possible meaning: they are read as the UCUM code beside them.
``REFUSED`` holds spellings that a careful pharmacist asks about, among them codes that are valid UCUM and
mean what nobody at a bedside intends: ``u`` is the atomic mass unit, ``C`` the coulomb, ``G`` the gauss.

Source of the codes: The Unified Code for Units of Measure, version 2.2, 2024, https://ucum.org/ucum.
Which spellings are accepted and which refused is our own judgement.
"""

import difflib
import re

ACCEPTED = {
    # mass
    "mcg": "ug", "mcgs": "ug", "ugm": "ug", "gm": "g", "gms": "g", "gram": "g", "grams": "g", "mgs": "mg",
    "Kg": "kg", "KG": "kg", "kgs": "kg", "kilogram": "kg", "kilograms": "kg",
    "lb": "[lb_av]", "lbs": "[lb_av]", "pound": "[lb_av]", "pounds": "[lb_av]",
    # volume and length
    "l": "L", "dl": "dL", "ml": "mL", "ul": "uL", "cc": "mL", "mcL": "uL", "mls": "mL",
    "liter": "L", "liters": "L", "litre": "L", "litres": "L",
    "in": "[in_i]", "inch": "[in_i]", "inches": "[in_i]", "ft": "[ft_i]", "feet": "[ft_i]",
    # time
    "sec": "s", "secs": "s", "second": "s", "seconds": "s", "mins": "min", "minute": "min", "minutes": "min",
    "hr": "h", "hrs": "h", "hour": "h", "hours": "h", "day": "d", "days": "d",
    "wks": "wk", "week": "wk", "weeks": "wk", "month": "mo", "months": "mo",
    "y": "a", "yr": "a", "yrs": "a", "year": "a", "years": "a",
    # amount of substance, charge, biological activity
    "mcmol": "umol", "nM": "(nmol/L)", "uM": "(umol/L)", "mM": "(mmol/L)",
    "Eq": "eq", "mEq": "meq", "uEq": "ueq", "mOsm": "mosm", "mOsmol": "mosm",
    "IU": "[iU]", "mIU": "m[iU]", "uIU": "u[iU]", "kIU": "k[iU]",
    # parts, as sensors of rooms write them
    "ppm": "[ppm]", "ppb": "[ppb]",
    # pressure, temperature, rates
    "Torr": "mm[Hg]", "torr": "mm[Hg]",
    "degC": "Cel", "°C": "Cel", "degF": "[degF]", "°F": "[degF]", "bpm": "min-1",
    # per cent of mass in volume, an old way to write mg/dL; the UCUM library at hand misreads g%
    "g%": "(g/dL)", "mg%": "(mg/dL)",
}  # fmt: skip

_UNNAMED_UNITS = "write [iU] for international units or U for enzyme units"
_COUNT = "find the milligrams of one of them in the order and write mg"
REFUSED = {
    "u": ("in UCUM the atomic mass unit, in a chart perhaps units", _UNNAMED_UNITS),
    "unit": ("units of an unnamed kind", _UNNAMED_UNITS),
    "units": ("units of an unnamed kind", _UNNAMED_UNITS),
    "C": ("in UCUM the coulomb, in a chart perhaps degrees Celsius", "write Cel"),
    "F": ("in UCUM the farad, in a chart perhaps degrees Fahrenheit", "write [degF]"),
    "G": ("in UCUM the gauss, in a chart perhaps grams", "write g"),
    "Mg": ("in UCUM the megagram (1000 kg), in a chart perhaps milligrams", "write mg"),
    "MG": ("in UCUM the megagauss, in a chart perhaps milligrams", "write mg"),
    "ML": ("in UCUM the megalitre, in a chart perhaps millilitres", "write mL"),
    "M": ("a prefix without a unit, or moles per litre", "write mol/L"),
    "gr": ("grains or grams", "write g, or [gr] for grains"),
    "oz": ("ounces of weight or of volume", "write [oz_av] for weight or [foz_us] for volume"),
    "dose": ("a count of doses, which holds no milligrams", _COUNT),
    "doses": ("a count of doses, which holds no milligrams", _COUNT),
    "tab": ("a count of tablets, which holds no milligrams", _COUNT),
    "tablet": ("a count of tablets, which holds no milligrams", _COUNT),
    "amp": ("a count of ampoules, which holds no milligrams", _COUNT),
    "gtt": ("drops, whose size depends on the giving set", "write mL"),
    "'": ("minutes of arc or of time", "write min for minutes of time"),
    "''": ("seconds of arc or of time", "write s for seconds of time"),
}

COMMON = (
    "kg", "g", "mg", "ug", "ng", "mol", "mmol", "umol", "nmol", "L", "dL", "mL", "uL", "m", "cm", "mm", "m2",
    "s", "min", "h", "d", "wk", "mo", "a", "[lb_av]", "[in_i]", "mm[Hg]", "cm[H2O]", "kPa", "Cel", "%",
    "mg/L", "mg/dL", "g/L", "g/dL", "ug/L", "ug/mL", "ng/mL", "mmol/L", "umol/L", "nmol/L", "meq/L", "[iU]/L",
    "L/h", "L/min", "mL/min", "mL/h", "mL/min/{1.73_m2}", "mg/h", "mg/min", "mg/kg", "mg/kg/h", "ug/kg/min",
    "ug/kg/h", "ug/min", "[iU]/h", "kg/m2", "/h", "/min", "10*9/L", "10*3/uL", "mg.h/L",
)  # fmt: skip

STANDARD_BODY = "{1.73_m2}"
"""How the standard body surface is written in UCUM, as a comment that ought to count."""
STANDARD_BODY_AREA = "(173.dm2)"
"""The same surface as a unit that does count: UCUM has whole numbers only."""

_CHARACTERS = str.maketrans({"µ": "u", "μ": "u", "²": "2", "³": "3", "·": ".", "⋅": ".", "−": "-"})
_PER_STANDARD_BODY = re.compile(r"\(?\{?1\.73[ _.]?m\^?2\}?\)?")
_ATOM = re.compile(r"\{[^}]*\}|(?:\[[^\]]*\]|[A-Za-z%'°_])+")


def atoms(text: str) -> list[str]:
    """The unit symbols in a text, in order and without numbers, operators and {annotations}."""
    return [found for found in _ATOM.findall(text) if not found.startswith("{")]


def to_ucum(text: str) -> str:
    """The text with accepted bedside spellings replaced by UCUM; the rest is left for the parser to judge.

    A surface of 1.73 m2, the body to which kidney function is often indexed, becomes 173 dm2 however it is
    written: mL/min/{1.73_m2} is then no longer a mere mL/min, and cannot pass for a clearance of the
    patient's own body.

    Example: ``to_ucum("mcg/kg/hr")`` is ``"ug/kg/h"``.
    """
    text = text.strip().translate(_CHARACTERS)
    text = _PER_STANDARD_BODY.sub(STANDARD_BODY_AREA, text)
    text = re.sub(r"\s*([/.*])\s*", r"\1", text)
    text = re.sub(r"(?<!10)\*", ".", text)
    text = re.sub(r"(?<=[A-Za-z\]])\^(?=-?\d)", "", text)
    text = re.sub(r"^[Kk]/(?=uL$|mm3$)", "10*3/", text)
    text = re.sub(r"(?<![\[A-Za-z])([cm]m) ?(H2O|Hg)", r"\1[\2]", text)
    return _ATOM.sub(lambda found: ACCEPTED.get(found.group(), found.group()), text)


def suggest(text: str) -> str | None:
    """The common UCUM code that a misspelt unit most resembles, or ``None``.

    For error messages, never for reading: a resemblance is not a meaning.

    Example: ``suggest("UMOL/L")`` is ``"umol/L"``.
    """
    lowered = {code.lower(): code for code in reversed(COMMON)}
    near = difflib.get_close_matches(to_ucum(text).lower(), lowered, n=1, cutoff=0.75)
    return lowered[near[0]] if near else None
