"""What the signals of WFDB records are called: local codes with our channel beside them, and units in UCUM.

Names follow the devices that wrote the record, so they are compared without case, spaces and punctuation ("ABP Sys",
"ABPSYS"). A site's mapping comes first: it knows the name under the system ``local:wfdb``. Names as in the MIMIC
databases of PhysioNet (mimicdb, mimic2wdb, mimic3wdb: numerics records).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from caretwin.ingest.decoded import Code

SYSTEM = "local:wfdb"
CHANNELS: Mapping[str, str] = {
    "hr": "heart_rate",
    "pulse": "pulse_rate",
    "abpsys": "systolic_pressure",
    "abpdias": "diastolic_pressure",
    "abpmean": "mean_arterial_pressure",
    "artsys": "systolic_pressure",
    "artdias": "diastolic_pressure",
    "artmean": "mean_arterial_pressure",
    "nbpsys": "systolic_pressure",
    "nbpdias": "diastolic_pressure",
    "nbpmean": "mean_arterial_pressure",
    "cvp": "central_venous_pressure",
    "spo2": "oxygen_saturation",
    "resp": "respiratory_rate",
    "rr": "respiratory_rate",
    "temp": "temperature",
    "etco2": "end_tidal_carbon_dioxide",
    "co": "cardiac_output",
}
"""Channel of each numeric by its bare name."""
UNITS: Mapping[str, str] = {
    "bpm": "/min",
    "pm": "/min",
    "brpm": "/min",
    "mmhg": "mm[Hg]",
    "cmh2o": "cm[H2O]",
    "%": "%",
    "degc": "Cel",
    "degf": "[degF]",
    "lpm": "L/min",
    "l/min": "L/min",
    "nu": "1",
}
"""UCUM by how headers write units; any other is passed on as it is."""
NEVER_ZERO = frozenset(
    {
        "heart_rate",
        "pulse_rate",
        "systolic_pressure",
        "diastolic_pressure",
        "mean_arterial_pressure",
        "oxygen_saturation",
        "respiratory_rate",
        "temperature",
        "end_tidal_carbon_dioxide",
        "cardiac_output",
    }
)
"""Channels of which a 0 is what these monitors write while nothing is measured. It may also be a standstill: the
record does not tell the two apart, so a 0 is absent and says so, never a value. A venous pressure of 0 is one.
"""


def bare(name: str) -> str:
    """A name without case, spaces and punctuation.

    >>> bare("ABP Sys"), bare("SpO2")
    ('abpsys', 'spo2')
    """
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def codes(name: str) -> tuple[Code, ...]:
    """Codings of a numeric signal: its own name, and our channel where we know it."""
    channel = CHANNELS.get(bare(name))
    own = Code(SYSTEM, name, name)
    return (own, Code("caretwin", channel, name)) if channel else (own,)


def unit(text: str | None) -> str:
    """The UCUM unit of a header's word; "" for none.

    >>> unit("pm"), unit("mmHg"), unit(None), unit("furlong")
    ('/min', 'mm[Hg]', '', 'furlong')
    """
    written = (text or "").strip()
    return UNITS.get(re.sub(r"[\s_]", "", written.casefold()), written)


def zero_is_absent(name: str) -> bool:
    """Whether a 0 of this signal is no measurement."""
    return CHANNELS.get(bare(name), "") in NEVER_ZERO
