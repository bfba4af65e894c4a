"""Mechanical power of ventilation: the energy that the ventilator delivers to the respiratory system per minute.

Four published formulas, for a passive patient. They differ in what has to be known: compliance and resistance
(Gattinoni), a plateau pressure (its short form), no hold at all (Giosa), or pressure control (Becher). For a square
flow the first three are the same quantity. 17 J/min is often quoted as a threshold (Serpa Neto 2018, Intensive Care Med
44:1914, doi:10.1007/s00134-018-5375-6): the risk rises steadily, there is no step there.

All functions are of arrays of any one shape and return J/min.
"""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

JOULE_PER_CMH2O_LITRE = 0.0980665  # 1 cmH2O = 98.0665 Pa (conventional, water at 4 Cel), 1 L = 1e-3 m3
Result = Float[Array, "..."]


def power_volume_control(
    tidal_volume: ArrayLike,
    rate: ArrayLike,
    elastance: ArrayLike,
    resistance: ArrayLike,
    inspiratory_expiratory_ratio: ArrayLike,
    peep: ArrayLike,
) -> Result:
    """Power of volume control with a square flow and no pause, from elastance and resistance.

        MP = 0.098 RR {dV^2 [ERS/2 + RR (1 + I:E) / (60 I:E) Raw] + dV PEEP}

    tidal_volume dV [L], rate RR [/min], elastance ERS [cmH2O/L], resistance Raw [cmH2O s/L], PEEP [cmH2O]: the total
    one where there is an intrinsic one. The second factor in [] is the inverse of the inspiratory time.
    Source: Gattinoni 2016, Intensive Care Med 42:1567, doi:10.1007/s00134-016-4505-2.

    >>> round(float(power_volume_control(0.42, 20.0, 1000 / 36, 12.0, 0.5, 10.0)), 1)
    17.2
    """
    dV, RR, IE = jnp.asarray(tidal_volume), rate, inspiratory_expiratory_ratio
    per_second = RR * (1 + IE) / (60 * IE)
    return JOULE_PER_CMH2O_LITRE * RR * (dV**2 * (0.5 * elastance + per_second * resistance) + dV * peep)


def power_from_plateau(
    tidal_volume: ArrayLike, rate: ArrayLike, peak_pressure: ArrayLike, driving_pressure: ArrayLike
) -> Result:
    """The same power when a hold has been made: 0.098 RR dV (Ppeak - dP/2).

    tidal_volume [L], rate [/min], peak_pressure and driving_pressure dP = Pplat - PEEP [cmH2O].
    Source: Gattinoni 2016, doi:10.1007/s00134-016-4505-2 (the short form; algebraically equal).

    >>> round(float(power_from_plateau(0.42, 20.0, 26.707, 11.667)), 1)
    17.2
    """
    return JOULE_PER_CMH2O_LITRE * rate * tidal_volume * (jnp.asarray(peak_pressure) - 0.5 * driving_pressure)


def power_without_hold(
    minute_ventilation: ArrayLike, peak_pressure: ArrayLike, peep: ArrayLike, peak_flow: ArrayLike
) -> Result:
    """Surrogate for volume control from what every ventilator shows: VE (Ppeak + PEEP + F/6) / 20.

    minute_ventilation VE [L/min], peak_pressure, peep [cmH2O], peak_flow F [L/s] (the paper writes L/min: F/6 there is
    10 F here, a resistance of 10 cmH2O s/L assumed for everybody).
    Source: Giosa 2019, Intensive Care Med Exp 7:61, doi:10.1186/s40635-019-0276-8; bias +0.35 to -0.53 J/min.

    >>> round(float(power_without_hold(8.4, 26.707, 10.0, 0.42)), 1)
    17.2
    """
    return minute_ventilation * (jnp.asarray(peak_pressure) + peep + 10.0 * peak_flow) / 20.0


def power_pressure_control(
    tidal_volume: ArrayLike, rate: ArrayLike, peep: ArrayLike, pressure_above_peep: ArrayLike
) -> Result:
    """Power of pressure control with an immediate rise of pressure: 0.098 RR VT (PEEP + dPinsp).

    tidal_volume VT [L], rate RR [/min], peep, pressure_above_peep dPinsp [cmH2O]. Exact for the square pressure wave of
    the equation of motion; a slow rise of pressure makes it an overestimate.
    Source: Becher 2019, Intensive Care Med 45:1321, doi:10.1007/s00134-019-05636-8 (the simplified form).

    >>> round(float(power_pressure_control(0.42, 20.0, 10.0, 420 / 36)), 1)
    17.8
    """
    return JOULE_PER_CMH2O_LITRE * rate * tidal_volume * (jnp.asarray(peep) + pressure_above_peep)
