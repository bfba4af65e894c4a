"""The personal parameters of the cardiorespiratory twin: unit, typical value, spread between patients, drift, source.

Each parameter is g(typical for this body + spread theta + wander + flutter) on a scale where it is unbounded:

    theta    standard normal: who this patient is; it drifts over ``days`` (mean-reverting, so that nothing is certain
             for ever) wander   what changes over a shift: Ornstein-Uhlenbeck with ``wander`` as standard deviation
             and ``wander_hours``
    flutter  what changes within an hour: the same with ``flutter`` and ``flutter_hours``

Spreads and drifts were chosen for adults in intensive care; those that real stays could be fitted to, were (see
evidence/physiology). "Assumed" means that no source was found.
"""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Scale = Literal["log", "logit", "remainder", "linear"]
REMAINDER = 0.4
"""Exponent of the scale ``remainder`` of a share D: 1 - D = (1 + e^z)^-0.4. What is left over moves by nearly the same
proportion per unit of z whether much or little of it is left (0.29 where D is 0.4, 0.40 where it is 0.9), and D stays
between 0 and 1; a logit would move the little that is left twice as far."""


class Personal(NamedTuple):
    """One parameter. ``typical`` in ``unit``; spread, wander and flutter on its scale; what it is multiplied with."""

    name: str
    unit: str
    scale: Scale
    typical: float
    spread: float
    source: str
    per: Literal["predicted weight", "weight", "surface", "none"] = "none"
    wander: float = 0.0
    wander_hours: float = 12.0
    flutter: float = 0.0
    flutter_hours: float = 0.7
    days: float = 14.0


PERSONAL: tuple[Personal, ...] = (
    # lung mechanics
    Personal(
        "compliance",
        "L/cmH2O",
        "log",
        0.045 / 66,
        0.35,
        "fully open respiratory system; Arnal 2018: 20-54 mL/cmH2O",
        "predicted weight",
        wander=0.06,
    ),
    Personal("resistance", "cmH2O s/L", "log", 12.5, 0.25, "airway and tube; Arnal 2018: 10-17", wander=0.05),
    Personal(
        "collapsible",
        "1",
        "logit",
        0.22,
        0.9,
        "share of lung that opens and closes; assumed, recruitment 0-2 of Chen 2020",
        wander=0.2,
    ),
    Personal("opening_shift", "cmH2O", "linear", 0.0, 4.0, "Crotti 2001 gives no spread between patients; assumed"),
    Personal(
        "chest_wall_share",
        "1",
        "logit",
        0.28,
        0.45,
        "Ecw/Ers; 0.2 L/cmH2O chest wall (Levitzky) against 20-54 mL/cmH2O",
    ),
    # gas exchange
    Personal(
        "shunt",
        "1",
        "logit",
        0.10,
        0.9,
        "never ventilated; ARDS >10/>20/>40 % (Radermacher 2017)",
        wander=0.8,
        wander_hours=10.0,
        flutter=0.45,
        flutter_hours=1.0,
    ),
    Personal(
        "low_perfusion",
        "1",
        "logit",
        0.30,
        0.7,
        "share of blood in low V/Q; Karbing 2007 needs two parameters; assumed spread",
        wander=0.2,
    ),
    Personal("low_ratio", "1", "logit", 0.30, 0.7, "V/Q of the low compartment over the mean; assumed"),
    Personal(
        "alveolar_dead_space",
        "1",
        "remainder",
        0.40,
        1.5,
        "of ventilation beyond the airway; Nuckton 2002: VD/VT 0.58 +- 0.09 in early ARDS; spread and drift fitted to "
        "real gases",
        wander=3.0,
        wander_hours=200.0,
        flutter=0.1,
    ),
    Personal(
        "hypoxic_vasoconstriction",
        "1",
        "logit",
        0.5,
        0.9,
        "personal gain 0-1 on Marshall 1994; sepsis blunts it; assumed",
    ),
    Personal(
        "carbon_dioxide_production",
        "mL/min",
        "log",
        2.95,
        0.2,
        "200-250 mL/min; 8-11 %/degC (Manthous 1995)",
        "weight",
        wander=0.12,
        wander_hours=48.0,
    ),
    Personal(
        "base_excess",
        "mmol/L",
        "linear",
        0.0,
        4.0,
        "without the part of lactate; assumed",
        wander=1.6,
        wander_hours=16.0,
    ),
    Personal(
        "oxygen_aim",
        "mmHg",
        "log",
        95.0,
        0.22,
        "PaO2 that staff steer to; fitted to real stays",
        wander=0.12,
        wander_hours=24.0,
    ),
    Personal(
        "carbon_dioxide_aim",
        "mmHg",
        "log",
        45.0,
        0.23,
        "PaCO2 that staff and patient steer to; fitted to real stays",
        wander=0.12,
        wander_hours=24.0,
    ),
    # breathing
    Personal(
        "own_rate",
        "1/min",
        "log",
        19.5,
        0.20,
        "CLIF demo stays: median 19-20",
        wander=0.13,
        wander_hours=19.0,
        flutter=0.09,
        flutter_hours=0.6,
    ),
    Personal(
        "triggered_share",
        "1",
        "logit",
        0.15,
        0.7,
        "of counted breaths above a set rate, what gas stores see; the rest is stacked, shallow or miscounted. Fitted: "
        "on the development MIMIC-III pairs the set rate predicts the next PaCO2 and the counted one does not",
    ),
    Personal(
        "effort",
        "cmH2O",
        "log",
        10.0,
        0.35,
        "pressure of the respiratory muscles; Albanese 2016: 5 awake",
        wander=0.15,
        flutter=0.1,
    ),
    Personal(
        "chemoreflex", "1", "log", 0.12, 0.6, "of the awake gains of Albanese 2016; assumed for ward and intensive care"
    ),
    Personal("carbon_dioxide_set", "mmHg", "log", 40.0, 0.12, "40 +- 2.5 in health; chronic retention above; assumed"),
    # circulation at rest, without drugs
    Personal(
        "arterial_pressure",
        "mmHg",
        "log",
        75.0,
        0.15,
        "mean; CLIF demo stays: 76 +- 11",
        wander=0.08,
        wander_hours=25.0,
        flutter=0.06,
        flutter_hours=2.7,
    ),
    Personal(
        "heart_rate",
        "1/min",
        "log",
        84.0,
        0.15,
        "CLIF demo stays: 89, 78-103",
        wander=0.115,
        wander_hours=13.0,
        flutter=0.04,
        flutter_hours=0.6,
    ),
    Personal(
        "cardiac_output",
        "L/min",
        "log",
        3.1,
        0.25,
        "index 3.0 (BioGears, Pulse tables)",
        "surface",
        wander=0.08,
        wander_hours=10.0,
        flutter=0.04,
    ),
    Personal(
        "venous_pressure",
        "mmHg",
        "log",
        8.0,
        0.38,
        "central; Pavlovsky 2022: 5 [1-9] at PEEP 5, Gavelli 2020: 12-15",
        wander=0.15,
        flutter=0.1,
    ),
    Personal("filling_gradient", "mmHg", "log", 6.5, 0.45, "Pms - CVP; between sepsis and ARDS of conditions.toml"),
    Personal(
        "half_filling",
        "mmHg",
        "log",
        8.0,
        0.7,
        "transmural filling with half the plateau of output; 4-8 reproduce Lai 2023; spread assumed",
    ),
    Personal(
        "arterial_compliance",
        "mL/mmHg",
        "log",
        1.35,
        0.22,
        "stroke volume over pulse pressure; 1.0-2.0",
        wander=0.08,
        flutter=0.05,
    ),
    Personal("baroreflex", "1", "log", 0.5, 0.5, "of the gains of Heldt 2002; sedation and sepsis halve it; assumed"),
    Personal(
        "pressor_half",
        "ug/L",
        "log",
        42.0,
        0.9,
        "norepinephrine with half effect; slopes 4-15 mmHg per ug/L (Ensinger 1992, Maas 2013)",
        wander=0.6,
        wander_hours=30.0,
    ),
    Personal(
        "propofol_half",
        "ug/mL",
        "log",
        4.2,
        0.6,
        "propofol with half effect on vessels; 3.21 under anaesthesia (Su 2023); less in stays; spread assumed",
        wander=0.4,
        wander_hours=24.0,
    ),
    Personal(
        "oximeter_bias",
        "%",
        "linear",
        0.0,
        1.7,
        "device, skin and probe, at 98 % (see oximeter_scale); 2-3 % root mean square error (ISO 80601-2-61)",
        wander=0.5,
        wander_hours=12.0,
        flutter=0.7,
        flutter_hours=2.0,
        days=5.0,
    ),
    # kidney and metabolism
    Personal("filtration", "mL/min", "log", 70.0, 0.6, "well perfused; assumed spread", wander=0.1),
    Personal(
        "creatinine_production",
        "mg/min",
        "log",
        0.9 / 70,
        0.25,
        "about 1.3 g a day in men; falls with age and illness",
        "weight",
    ),
    Personal("haemoglobin", "g/dL", "log", 10.3, 0.18, "at the start; CLIF demo stays: 9.3, intensive care 7-15"),
    Personal(
        "urine_flow",
        "mL/min",
        "log",
        1.1,
        0.6,
        "CLIF and MIMIC-III stays chart about 1 mL/kg/h",
        wander=0.3,
        flutter=0.2,
    ),
    Personal("lactate_production", "1", "log", 1.3, 0.45, "of 1 mmol/L; assumed", wander=0.25, wander_hours=8.0),
)

WANDER_UNSEEN, FLUTTER_UNSEEN = 0.8, 1.0
"""Of a charted deviation of rate or effort from the person's usual, what does not reach alveolar ventilation: rate
and depth vary against each other and with what is produced (fitted on the development half of the MIMIC-III pairs,
where charted minute ventilation says nothing about the next PaCO2)."""
INDEX = {p.name: i for i, p in enumerate(PERSONAL)}
SPREAD = np.array([p.spread for p in PERSONAL])
WANDERING = tuple(i for i, p in enumerate(PERSONAL) if p.wander > 0)
FLUTTERING = tuple(i for i, p in enumerate(PERSONAL) if p.flutter > 0)


class Body(NamedTuple):
    """The context of one person, and how the typical patient is shifted.

    predicted_weight, weight kg; height cm; age y; female 0 or 1; shift [d] on the parameters' own scales
    """

    predicted_weight: Float[Array, ""]
    weight: Float[Array, ""]
    height: Float[Array, ""]
    age: Float[Array, ""]
    female: Float[Array, ""]
    shift: Float[Array, " d"]


def predicted_body_weight(height_cm: float, female: bool) -> float:
    """kg: 50 (men) or 45.5 (women) + 0.91 (height - 152.4). Source: ARDS Network, N Engl J Med 2000;342:1301.

    >>> round(predicted_body_weight(170.0, False), 1), round(predicted_body_weight(170.0, True), 1)
    (66.0, 61.5)
    """
    return (45.5 if female else 50.0) + 0.91 * (height_cm - 152.4)


def body(*, female: bool, age: float, height: float, weight: float, shift: np.ndarray | None = None) -> Body:
    """The context of a person: height cm, weight kg, age y."""
    numbers = (max(predicted_body_weight(height, female), 25.0), weight, height, age, float(female))
    return Body(*(np.asarray(n, dtype=float) for n in numbers), np.zeros(len(PERSONAL)) if shift is None else shift)


def surface_area(body: Body) -> Float[Array, ""]:
    """m2: sqrt(height weight / 3600). Source: Mosteller, N Engl J Med 1987;317:1098."""
    return jnp.sqrt(body.height * body.weight / 3600.0)


def counted_weight(body: Body) -> Float[Array, ""]:
    """kg: weight of which what is beyond 1.2 times the predicted counts by half, because fat has little blood and
    little metabolism. At 175 cm a man of 140 kg counts 112: his metabolism is then 1.42 times that at 70 kg, with the
    equation of Mifflin, St Jeor et al., Am J Clin Nutr 1990;51:241, 1.44 times.
    """
    return jnp.minimum(body.weight, 0.5 * (body.weight + 1.2 * body.predicted_weight))


def from_scale(z: Float[Array, "..."], scale: Scale) -> Float[Array, "..."]:
    """The value at a place on the scale; the inverse of :func:`to_scale`."""
    if scale == "log":
        return jnp.exp(z)
    if scale == "remainder":
        return -jnp.expm1(-REMAINDER * jax.nn.softplus(z))
    return jax.nn.sigmoid(z) if scale == "logit" else z


def to_scale(value: float, scale: Scale) -> float:
    """A value on the scale where it is unbounded."""
    if scale == "log":
        return float(np.log(value))
    if scale == "remainder":
        return float(np.log(np.expm1(-np.log1p(-value) / REMAINDER)))
    return float(np.log(value / (1 - value))) if scale == "logit" else float(value)
