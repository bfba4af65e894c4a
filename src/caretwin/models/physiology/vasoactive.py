"""Vasoactive and sedative infusions: how they reach the blood, and what they do to vessels, veins and heart.

Norepinephrine has measured kinetics; the other pressors are counted as norepinephrine of equal effect with a lag of
their own. They act on resistance, stressed volume and contractility, never on pressure directly: what pressure and
output do then follows from the circulation. The sensitivity to them is personal, for it differs fourfold between
patients.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from caretwin.models.physiology.elementary import power

Values = Float[Array, "..."]

# Norepinephrine: Li et al., Clin Pharmacokinet 2024, doi:10.1007/s40262-024-01430-y, 36 volunteers (70 kg, 35 y).
CLEARANCE, INTERCOMPARTMENTAL = 2.1, 0.6  # L/min
CENTRAL_VOLUME, PERIPHERAL_VOLUME = 2.4, 3.6  # L
CLEARANCE_BY_AGE = 0.00344  # relative, per year from 35
ENDOGENOUS = 0.4977 / CLEARANCE
"""ug/L of the body's own norepinephrine at rest: 497.7 ng/min over the clearance."""

# Others: µg/kg/min (vasopressin: units/min) that count as 1 µg/kg/min of norepinephrine on vessels.
# Goradia et al., J Crit Care 2021;61:233, doi:10.1016/j.jcrc.2020.11.002, table 2. Phenylephrine is 0.1 there; 0.07
# meets the volunteers of Martinsson 1986 better (assumed).
EPINEPHRINE, PHENYLEPHRINE, DOPAMINE, VASOPRESSIN = 1.0, 0.07, 0.01, 2.5
OTHER_HALF_TIME = 5.0
"""min: approach of the other pressors to steady effect (assumed; plasma half-lives of 2-20 min)."""

RESISTANCE_MAXIMUM = 4.0
"""Largest relative rise of systemic resistance (assumed; with the next three it meets Ensinger's MAP slope of 4.3 mmHg
per µg/L in volunteers and the patients of Maas and Adda, see the tests)."""
VENOUS_MAXIMUM = 3.2
"""L of unstressed volume moved into stress at most (assumed; Maas et al., Crit Care Med 2013;41:143,
doi:10.1097/CCM.0b013e318265ea64: mean systemic filling pressure rose in all 16 patients)."""
VENOUS_RESISTANCE_MAXIMUM = 2.0
"""Largest relative rise of the resistance to venous return (assumed; it rose in all 16 of Maas 2013)."""
CONTRACTILITY_MAXIMUM = 0.3
"""Largest relative rise of cardiac function by norepinephrine (assumed)."""

INOTROPE_MAXIMUM, DOBUTAMINE_HALF, EPINEPHRINE_HALF, MILRINONE_HALF = 0.8, 8.0, 0.15, 0.6
"""Largest relative rise of cardiac function, and the rates (µg/kg/min) with half of it (assumed; dobutamine 5 µg/kg/min
raises output by about a third in septic shock, with a wide spread)."""
CHRONOTROPE_MAXIMUM = 0.35
"""Largest relative rise of heart rate by beta-agonists (assumed)."""
VASODILATION = 0.25
"""Largest relative fall of resistance by dobutamine and milrinone (assumed)."""
BETA_TWO_MAXIMUM, BETA_TWO_HALF = 0.5, 0.05
"""Largest relative fall of resistance by epinephrine in muscle, and the rate (µg/kg/min) with half of it: in volunteers
low rates lower diastolic pressure, leave mean pressure and quicken the heart (Stratton et al., J Appl Physiol
1985;58:1199; sizes assumed)."""

# Propofol on vessels: Su et al., Br J Anaesth 2023, as coded publicly: Emax 0.778, C50 3.21 µg/mL, exponent 1.83.
PROPOFOL_MAXIMUM, PROPOFOL_HALF, PROPOFOL_EXPONENT = 0.778, 3.21, 1.83
PROPOFOL_CLEARANCE = 1.55 * 60.0
"""L/h at 70 kg (Eleveld et al., Br J Anaesth 2018;120:942, man of 50 years)."""
PROPOFOL_RATE = 0.05
"""Per min: one rate for distribution and effect (assumed; the full three compartments stand in pharmacology)."""
PROPOFOL_VENOUS = 0.8
"""L of stressed volume lost at full effect (assumed: general anaesthesia acts like 1.2 L more unstressed volume)."""
PROPOFOL_HEART, PROPOFOL_HEART_HALF = 0.2, 0.44 / PROPOFOL_HALF
"""Largest relative fall of cardiac function, and the concentration of half of it as a share of that on vessels: stroke
volume in Su 2023, 0.154 at 35 years and 0.25 at 50."""
PROPOFOL_BLUNTING = 0.6
"""Share of the reflexes' gain on the heart rate lost at full effect: chosen to meet Su 2023, where the heart is a sixth
faster while propofol takes a fifth of the pressure."""


class Infusions(NamedTuple):
    """What runs: µg/kg/min, vasopressin units/h, propofol mg/kg/h."""

    norepinephrine: Values
    epinephrine: Values
    phenylephrine: Values
    dopamine: Values
    vasopressin: Values
    dobutamine: Values
    milrinone: Values
    propofol: Values


class Drugs(NamedTuple):
    """What is in the body.

    central, peripheral  µg/L: norepinephrine above the body's own, in both compartments
    others               µg/kg/min: other pressors as norepinephrine at steady effect
    beta, dilator        relative effect (0-1) of beta-agonists and of inodilators
    beta_two             relative effect (0-1) of epinephrine on the vessels of muscle
    propofol             µg/mL at the site of effect
    """

    central: Values
    peripheral: Values
    others: Values
    beta: Values
    dilator: Values
    beta_two: Values
    propofol: Values


class DrugEffects(NamedTuple):
    """Factors on systemic resistance, resistance to venous return, cardiac function and heart rate; L of stress; depth
    of sedation (0-1); what is left of the reflexes' gain on the heart rate (0-1)."""

    resistance: Values
    venous_resistance: Values
    contractility: Values
    heart_rate: Values
    venous: Values
    sedation: Values
    rate_reflex: Values


def no_drugs(like: Values) -> Drugs:
    """Nothing in the body, in the shape of ``like``."""
    return Drugs(*(jnp.zeros_like(like) for _ in Drugs._fields))


def distribute(drugs: Drugs, rates: Infusions, weight: Values, minutes: Values, age: Values | float = 35.0) -> Drugs:
    """The drugs after ``minutes`` of constant rates; implicit, so that any step is stable and none goes negative.

    Norepinephrine: V1 dC1/dt = rate W - CL C1 - Q (C1 - C2), V2 dC2/dt = Q (C1 - C2), volumes and flows by weight,
    clearance by age (y).
    """
    size = weight / 70.0
    clearing = power(size, 0.75)
    CL = CLEARANCE * clearing * jnp.exp(-CLEARANCE_BY_AGE * (age - 35.0))
    Q = INTERCOMPARTMENTAL * clearing
    V1, V2 = CENTRAL_VOLUME * size / minutes, PERIPHERAL_VOLUME * size / minutes
    # C2 = (V2 C2 + Q C1') / (V2 + Q), put into the balance of C1'.
    back = Q / (V2 + Q)
    given = rates.norepinephrine * weight
    C1 = (V1 * drugs.central + given + back * V2 * drugs.peripheral) / (V1 + CL + Q * (1.0 - back))
    C2 = (V2 * drugs.peripheral + Q * C1) / (V2 + Q)
    others = (
        EPINEPHRINE * rates.epinephrine
        + PHENYLEPHRINE * rates.phenylephrine
        + DOPAMINE * rates.dopamine
        + VASOPRESSIN * rates.vasopressin / 60.0
    )
    lag = -jnp.expm1(-0.6931472 / OTHER_HALF_TIME * minutes)
    beta = _hill(rates.dobutamine, DOBUTAMINE_HALF) + _hill(rates.epinephrine, EPINEPHRINE_HALF)
    beta = jnp.minimum(beta + _hill(rates.dopamine, 10.0), 1.0)
    dilator = jnp.minimum(_hill(rates.dobutamine, DOBUTAMINE_HALF) + _hill(rates.milrinone, MILRINONE_HALF), 1.0)
    steady = rates.propofol * weight / (PROPOFOL_CLEARANCE * clearing)
    return Drugs(
        C1,
        C2,
        drugs.others + lag * (others - drugs.others),
        drugs.beta + lag * (beta - drugs.beta),
        drugs.dilator + lag * (dilator - drugs.dilator),
        drugs.beta_two + lag * (_hill(rates.epinephrine, BETA_TWO_HALF) - drugs.beta_two),
        drugs.propofol - jnp.expm1(-PROPOFOL_RATE * minutes) * (steady - drugs.propofol),
    )


def effects(
    drugs: Drugs, half_concentration: Values, weight: Values, propofol_half: Values | float = PROPOFOL_HALF
) -> DrugEffects:
    """What the drugs do in a person whose vessels are half-way at ``half_concentration`` µg/L of norepinephrine and at
    ``propofol_half`` µg/mL of propofol.
    """
    per_rate = weight / (CLEARANCE * power(weight / 70.0, 0.75))  # µg/L per µg/kg/min at steady state
    H = _hill(drugs.central + per_rate * drugs.others, half_concentration)
    P = power(jnp.maximum(drugs.propofol / propofol_half, 1e-9), PROPOFOL_EXPONENT)
    propofol = PROPOFOL_MAXIMUM * P / (1.0 + P)
    weakened = PROPOFOL_HEART * _hill(drugs.propofol, PROPOFOL_HEART_HALF * propofol_half)
    inotropic = jnp.maximum(drugs.beta, drugs.dilator)
    widened = 1.0 - (1.0 - VASODILATION * drugs.dilator) * (1.0 - BETA_TWO_MAXIMUM * drugs.beta_two)
    return DrugEffects(
        (1.0 + RESISTANCE_MAXIMUM * H) * (1.0 - propofol) * (1.0 - widened),
        1.0 + VENOUS_RESISTANCE_MAXIMUM * H,
        (1.0 + CONTRACTILITY_MAXIMUM * H) * (1.0 + INOTROPE_MAXIMUM * inotropic) * (1.0 - weakened),
        1.0 + CHRONOTROPE_MAXIMUM * drugs.beta,
        VENOUS_MAXIMUM * H - PROPOFOL_VENOUS * propofol,
        propofol / PROPOFOL_MAXIMUM,
        1.0 - PROPOFOL_BLUNTING * propofol / PROPOFOL_MAXIMUM,
    )


def _hill(x: Values, half: Values | float) -> Values:
    return x / (x + half)
