"""Writes src/caretwin/base/common_units.toml: what the UCUM library says of the units that caretwin meets every day.

Loading the library takes longer than most questions; a test holds this table against it.
Run: python scripts/common_units.py
"""

import re
from pathlib import Path

from caretwin.base.spellings import to_ucum
from caretwin.base.ucum import by_library

ROOT = Path(__file__).parent.parent
EVERYDAY = [
    "1",
    "%",
    "a",
    "wk",
    "d",
    "h",
    "min",
    "s",
    "mo",
    "g",
    "mg",
    "ug",
    "ng",
    "pg",
    "kg",
    "L",
    "dL",
    "mL",
    "uL",
    "mol",
    "mmol",
    "umol",
    "nmol",
    "meq",
    "cm",
    "m",
    "mm",
    "m2",
    "kg/m2",
    "mm[Hg]",
    "kPa",
    "[iU]",
    "[iU]/L",
    "mg/L",
    "ug/L",
    "ng/L",
    "ng/mL",
    "ug/mL",
    "mg/dL",
    "g/L",
    "g/dL",
    "mmol/L",
    "umol/L",
    "nmol/L",
    "mg/kg",
    "ug/kg",
    "mg/h",
    "ug/h",
    "ug/min",
    "mg/d",
    "L/h",
    "L/min",
    "mL/min",
    "mL/h",
    "L/kg",
    "mL/kg",
    "mL/min/{1.73_m2}",
    "L/h/kg",
    "mL/min/kg",
    "ug/kg/min",
    "mg/kg/h",
    "mg/kg/d",
    "mg.h/L",
    "ug.h/L",
    "ng.h/mL",
    "h-1",
    "min-1",
    "/h",
    "/min",
    "mg.h/mL",
    "[lb_av]",
    "[in_i]",
    "{INR}",
    "ng/L",
    "U/L",
    "m2/kg",
    "L/min/cm",
    "mg/L.h",
    "mg/L.d",
]


def wanted() -> list[str]:
    """The everyday units, and every unit that a shipped drug file writes."""
    found = set(EVERYDAY)
    for path in sorted((ROOT / "src/caretwin/models/pharmacology").rglob("*.toml")):
        text = path.read_text()
        found |= set(re.findall(r'unit = "([^"]+)"', text))
        for formula in re.findall(r'(?:value|derived|require|individual) = "([^"]+)"', text):
            found |= set(re.findall(r"\[([^\s\]]+(?:\[[^\]]*\])?[^\s\]]*)\]", formula))
    return sorted(found)


def main() -> None:
    """Write the table."""
    lines = ["# Written by scripts/common_units.py from the UCUM library: exact factor, powers of base quantities."]
    for code in sorted({to_ucum(text) for text in wanted()}):
        try:
            unit = by_library(code)
        except Exception:  # not a unit of its own: part of a formula that only looks like one
            continue
        powers = ", ".join(f"{name} = {power}" for name, power in unit.powers)
        lines.append(f'"{code}" = {{ code = "{unit.code}", factor = "{unit.factor}", powers = {{ {powers} }} }}')
    (ROOT / "src/caretwin/base/common_units.toml").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
