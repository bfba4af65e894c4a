"""Units of SDC devices: codes of ISO/IEEE 11073-10101 (partition 4, MDC_DIM_...) as UCUM.

A code is 4 * 65536 plus the term code of the standard's table of units; where the standard writes an X for the prefix
(MDC_DIM_X_G), the prefix is added: kilo 3, centi 17, milli 18, micro 19, nano 20. Only what bedside devices send is
here; an unknown code is passed on as it is, so that its values are kept but not used.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from caretwin.ingest.decoded import MDC, UCUM

PREFIXES: Mapping[int, str] = {0: "", 2: "h", 3: "k", 16: "d", 17: "c", 18: "m", 19: "u", 20: "n"}
"""Prefix by what it adds to the code (ISO/IEEE 11073-10101, decimal factors)."""

PREFIXED: Mapping[int, str] = {
    263424: "m",              # MDC_DIM_X_M
    263744: "L",              # MDC_DIM_X_L
    263872: "g",              # MDC_DIM_X_G
    264256: "g/dL",           # MDC_DIM_X_G_PER_DL
    264288: "g/mL",           # MDC_DIM_X_G_PER_ML
    264320: "s",              # MDC_DIM_X_SEC
    264800: "g/kg/min",       # MDC_DIM_X_G_PER_KG_PER_MIN
    265184: "L/s",            # MDC_DIM_X_L_PER_SEC
    265216: "L/min",          # MDC_DIM_X_L_PER_MIN
    265248: "L/h",            # MDC_DIM_X_L_PER_HR
    265472: "g/min",          # MDC_DIM_X_G_PER_MIN
    265504: "g/h",            # MDC_DIM_X_G_PER_HR
    265984: "Pa",             # MDC_DIM_X_PASCAL
    266400: "V",              # MDC_DIM_X_VOLT
    266848: "mol/L",          # MDC_DIM_X_MOLE_PER_L
    268032: "L/cm[H2O]",      # MDC_DIM_X_L_PER_CM_H2O
}  # fmt: skip

PLAIN: Mapping[int, str] = {
    262656: "1",              # MDC_DIM_DIMLESS
    262688: "%",              # MDC_DIM_PERCENT
    262752: "[ppm]",          # MDC_DIM_PARTS_PER_MILLION
    263904: "[lb_av]",        # MDC_DIM_LB
    264352: "min",            # MDC_DIM_MIN
    264384: "h",              # MDC_DIM_HR
    264416: "d",              # MDC_DIM_DAY
    264608: "Hz",             # MDC_DIM_HZ
    264672: "/min",           # MDC_DIM_PER_MIN
    264864: "/min",           # MDC_DIM_BEAT_PER_MIN
    264896: "/min",           # MDC_DIM_PULS_PER_MIN
    264928: "/min",           # MDC_DIM_RESP_PER_MIN
    264992: "L/min/m2",       # MDC_DIM_L_PER_MIN_PER_M_SQ
    266016: "mm[Hg]",         # MDC_DIM_MMHG
    266048: "cm[H2O]",        # MDC_DIM_CM_H2O
    266560: "[degF]",         # MDC_DIM_FAHR
    268064: "cm[H2O]/(L/s)",  # MDC_DIM_CM_H2O_PER_L_PER_SEC
    268192: "Cel",            # MDC_DIM_DEGC
}  # fmt: skip


@cache
def units() -> Mapping[str, str]:
    """UCUM unit of every code that we know, the code as devices write it.

    >>> units()["266016"], units()["263762"], units()["264819"]
    ('mm[Hg]', 'mL', 'ug/kg/min')
    """
    spelled = {str(code): unit for code, unit in PLAIN.items()}
    for base, unit in PREFIXED.items():
        spelled |= {str(base + added): prefix + unit for added, prefix in PREFIXES.items()}
    return spelled


def unit_of(system: str, code: str) -> str:
    """The UCUM unit that a device's unit code means; an unknown one as it came, where no unit of ours looks like it.

    >>> unit_of("urn:iso:std:iso:11073:10101", "262688"), unit_of("http://unitsofmeasure.org", "kPa")
    ('%', 'kPa')
    >>> unit_of("urn:iso:std:iso:11073:10101", "267999")
    'MDC 267999'
    """
    if system == UCUM:
        return code
    if system == MDC:
        return units().get(code, f"MDC {code}")
    return f"{system} {code}"
