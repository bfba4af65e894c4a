"""Which channel can say anything of which unknown: what lies apart in the body is not moved by correlations of chance.

A few hundred particles show correlations that are not there, such as one between heart rate and dead space. Every
charted heart rate would move the dead space a little by it, and a day of them far. Channels of the circulation
therefore move the circulation and channels of the lung the lung; what links both (haemoglobin, lactate, mixed venous
blood) moves both. It is the localisation of ensemble filters, by physiology instead of by distance: Houtekamer &
Mitchell, Mon Weather Rev 2001;129:123, doi:10.1175/1520-0493(2001)129<0123:ASEKFF>2.0.CO;2.
"""

from typing import Literal

import numpy as np
from jaxtyping import Bool

from caretwin.models.physiology.bedside_channels import CHANNELS
from caretwin.models.physiology.parameters import FLUTTERING, PERSONAL, WANDERING

Side = Literal["circulation", "lung", "both"]

CIRCULATION = frozenset(
    {
        "arterial_pressure", "heart_rate", "cardiac_output", "venous_pressure", "filling_gradient", "half_filling",
        "arterial_compliance", "baroreflex", "pressor_half", "propofol_half", "filtration", "creatinine_production",
        "urine_flow", "lactate_production",
    }
)  # fmt: skip
"""Parameters of heart, vessels and kidney; all others but haemoglobin belong to lung, gases and breathing."""
CIRCULATION_SEEN = frozenset(
    {
        "heart_rate", "mean_arterial_pressure", "pulse_pressure", "central_venous_pressure", "creatinine",
        "urine_output", "cardiac_output",
    }
)  # fmt: skip
LINKS = frozenset({"haemoglobin", "lactate", "central_venous_saturation"})
"""Parameters and channels that belong to both."""
STATE: tuple[Side, ...] = (
    *("lung",) * 8,  # gas stores
    *("circulation", "both", "both", "circulation", "both"),  # set point, plasma, red cells, creatinine, lactate
    *("lung", "circulation", "circulation", "lung", "lung"),  # open fraction, two reflex signals, two of drive
)
"""Sides of what :meth:`.Cardiorespiratory.to_vector` gives behind wander and flutter, in its order."""


def side_of_parameter(name: str) -> Side:
    """Where a personal parameter belongs.

    >>> side_of_parameter("shunt"), side_of_parameter("baroreflex"), side_of_parameter("haemoglobin")
    ('lung', 'circulation', 'both')
    """
    return "both" if name in LINKS else "circulation" if name in CIRCULATION else "lung"


def side_of_channel(name: str) -> Side:
    """Where a channel belongs."""
    return "both" if name in LINKS else "circulation" if name in CIRCULATION_SEEN else "lung"


def reach() -> Bool[np.ndarray, "C n"]:
    """Whether each channel [C] may move each unknown [n]: parameters, the free part of the state, then what every
    channel was expected to show.
    """
    parameters = [side_of_parameter(p.name) for p in PERSONAL]
    channels = [side_of_channel(name) for name in CHANNELS]
    drifts = [parameters[i] for i in (*WANDERING, *FLUTTERING)]
    unknowns = [*parameters, *drifts, *STATE, *channels]
    return np.array([[c == u or "both" in (c, u) for u in unknowns] for c in channels])
