"""Blood gases: how much oxygen and carbon dioxide blood carries at a pressure, and the acid-base that goes with it.

Pressures mmHg, contents mL (STPD) per dL of blood, haemoglobin g/dL, saturation 0-1, temperature degC. Formulas work
elementwise on arrays and on scalars, in single or double precision.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from caretwin.models.physiology.elementary import cube_root, power

Values = Float[Array, "..."]

HUFNER = 1.36
"""mL O2 per g haemoglobin. 1.34, 1.36 and 1.39 all circulate; declared, and used throughout."""
DISSOLVED_OXYGEN = 0.0031
"""mL O2 per dL per mmHg at 37 degC (Severinghaus, J Appl Physiol 1979;46:599)."""
BOHR_CARBON_DIOXIDE = 2.226
"""mL CO2 (STPD) per dL for each mmol/L (Douglas, Jones & Reed, J Appl Physiol 1988;65:473)."""


def saturation(oxygen_pressure: Values, ph: Values = 7.4, temperature: Values = 37.0) -> Values:
    """Fraction of haemoglobin that carries oxygen (0-1), Severinghaus 1979 with pH and temperature shifts.

        S = 1 / (23400 / (P^3 + 150 P) + 1),    P = PO2 exp(shift)

    Within 0.0055 of the standard curve. Source: Severinghaus, J Appl Physiol 1979;46:599, equations 1, 3 and 4.
    Example: ``saturation(100.0)`` is 0.977.
    """
    P = jnp.maximum(oxygen_pressure, 0.0) * jnp.exp(-curve_shift(oxygen_pressure, ph, temperature))
    cubic = P * (P * P + 150.0)
    return cubic / (cubic + 23400.0)


def curve_shift(oxygen_pressure: Values, ph: Values, temperature: Values) -> Values:
    """ln of (PO2 at this pH and temperature / PO2 of the standard curve at the same saturation).

    Severinghaus 1979: dlnP/dpH = (P/26.6)^0.184 - 2.2 and dlnP/dT = 0.058 / ((0.243 P/100)^3.88 + 1) + 0.013.
    """
    return _shift_and_slope(oxygen_pressure, ph, temperature)[0]


def oxygen_pressure_at(saturation: Values) -> Values:
    """PO2 (mmHg) of the standard curve at a saturation 0-1: the exact root of the cubic of Severinghaus 1979.

    P^3 + 150 P = 23400 S / (1 - S), by Cardano. Example: ``oxygen_pressure_at(0.5)`` is 26.9.
    """
    S = jnp.clip(saturation, 1e-6, 1.0 - 1e-6)
    half = 0.5 * 23400.0 * S / (1.0 - S)
    root = cube_root(half + jnp.sqrt(half * half + 50.0**3))
    return root - 50.0 / root


def saturation_kelman(
    oxygen_pressure: Values, ph: Values = 7.4, temperature: Values = 37.0, pco2: Values = 40.0
) -> Values:
    """Saturation (0-1) by Kelman, J Appl Physiol 1966;21:1375."""
    x = oxygen_pressure * 10 ** (0.024 * (37 - temperature) + 0.4 * (ph - 7.4) + 0.06 * jnp.log10(40 / pco2))
    a1, a2, a3, a4 = -8532.2289, 2121.4010, -67.073989, 935960.87
    a5, a6, a7 = -31346.258, 2396.1674, -67.104406
    return x * (a1 + x * (a2 + x * (a3 + x))) / (a4 + x * (a5 + x * (a6 + x * (a7 + x))))


def saturation_siggaard_andersen(
    oxygen_pressure: Values,
    ph: Values = 7.4,
    temperature: Values = 37.0,
    base_excess: Values = 0.0,
    diphosphoglycerate: Values = 5.0,
) -> Values:
    """Saturation (0-1) by Siggaard-Andersen et al., Clin Chem 1984;30:1646; diphosphoglycerate in mmol/L.

    The curve is written for the sum of oxygen and carbon monoxide; here without carbon monoxide.
    """
    a = 1.04 * (7.4 - ph) + 0.005 * base_excess + 0.07 * (diphosphoglycerate - 5.0)
    b = 0.055 * (temperature - 37.0)
    x0 = 1.946 + a + b
    x = jnp.log(oxygen_pressure * 0.133322)
    y = 1.875 + (x - x0) + (3.5 + a) * jnp.tanh(0.5343 * (x - x0))
    return 1.0 / (1.0 + jnp.exp(-y))


def oxygen_content(oxygen_pressure: Values, saturation: Values, haemoglobin: Values) -> Values:
    """mL O2 per dL of blood: bound and dissolved. Example: ``oxygen_content(95.0, 0.97, 15.0)`` is 20.1."""
    return HUFNER * haemoglobin * saturation + DISSOLVED_OXYGEN * oxygen_pressure


def carbon_dioxide_content(
    pco2: Values, ph: Values, saturation: Values, haemoglobin: Values, temperature: Values = 37.0
) -> Values:
    """mL CO2 per dL of whole blood.

        C_plasma = 2.226 s PCO2 (1 + 10^(pH - pK')),
        C_blood  = C_plasma (1 - 0.0289 Hb / ((3.352 - 0.456 S)(8.142 - pH)))

    Source: Douglas, Jones & Reed, J Appl Physiol 1988;65:473-477, equations 4-6 (s and pK' after Kelman 1967).
    On 38 measured bloods (Loeppky 1983): bias -0.04, root mean square error 1.13 mL/dL.
    Example: ``carbon_dioxide_content(40.0, 7.4, 0.975, 15.0)`` is 46.7.
    """
    cold = 37.0 - temperature
    s = 0.0307 + 0.00057 * cold + 0.00002 * cold * cold
    pK = 6.086 + 0.042 * (7.4 - ph) + (38.0 - temperature) * (0.00472 + 0.00139 * (7.4 - ph))
    plasma = BOHR_CARBON_DIOXIDE * s * pco2 * (1.0 + power(10.0, ph - pK))
    return plasma * (1.0 - 0.0289 * haemoglobin / ((3.352 - 0.456 * saturation) * (8.142 - ph)))


def bicarbonate(pco2: Values, ph: Values) -> Values:
    """mmol/L by Henderson and Hasselbalch with pK 6.1 and solubility 0.0307 mmol/L/mmHg."""
    return 0.0307 * pco2 * power(10.0, ph - 6.1)


def base_excess(pco2: Values, ph: Values, haemoglobin: Values, saturation: Values = 1.0) -> Values:
    """mmol/L of whole blood.

        BE = (1 - 0.0143 Hb) [(0.0304 PCO2 10^(pH - 6.1) - 24.26) + (9.5 + 1.63 Hb)(pH - 7.4)] - 0.2 Hb (1 - S)

    Source: Lang & Zander, Clin Chem Lab Med 2002;40:404 (mean error 0.86 mmol/L on 148 reference bloods).
    Example: ``base_excess(40.0, 7.2, 15.0, 0.97)`` is -12.5.
    """
    metabolic = (0.0304 * pco2 * power(10.0, ph - 6.1) - 24.26) + (9.5 + 1.63 * haemoglobin) * (ph - 7.4)
    return (1.0 - 0.0143 * haemoglobin) * metabolic - 0.2 * haemoglobin * (1.0 - saturation)


def ph_at(pco2: Values, base_excess_: Values, haemoglobin: Values, saturation: Values = 1.0, steps: int = 5) -> Values:
    """pH of blood with this PCO2 and base excess: the inverse of :func:`base_excess` by Newton in pH.

    The equation is convex and rising in pH, so Newton from above converges without a search; five steps from 7.4 reach
    1e-9 for pH 6.6-7.9. Example: ``ph_at(40.0, 0.0, 15.0, 0.975)`` is 7.40.
    """
    wanted = (base_excess_ + 0.2 * haemoglobin * (1.0 - saturation)) / (1.0 - 0.0143 * haemoglobin) + 24.26
    slope = 9.5 + 1.63 * haemoglobin
    pco2 = jnp.maximum(pco2, 1.0)
    # Start from the value at a fixed PCO2 of which the logarithm is exact: close for any ratio of buffers.
    ph = 7.4 + jnp.clip((wanted - 24.26 - 0.6066 * (pco2 - 40.0)) / (slope + 56.0), -0.9, 0.7)

    def improve(_, ph):
        carbonate = 0.0304 * pco2 * jnp.exp(2.302585 * (ph - 6.1))
        error = carbonate + slope * (ph - 7.4) - wanted
        return jnp.clip(ph - error / (2.302585 * carbonate + slope), 6.0, 8.3)

    return jax.lax.fori_loop(0, steps, improve, ph)


class BloodGas(NamedTuple):
    """One sample of blood: pressures mmHg, pH, saturation 0-1, contents mL/dL, bicarbonate and base excess mmol/L."""

    oxygen_pressure: Values
    carbon_dioxide_pressure: Values
    ph: Values
    saturation: Values
    oxygen_content: Values
    bicarbonate: Values


def blood_from_contents(
    oxygen_content_: Values,
    carbon_dioxide_pressure: Values,
    base_excess_: Values,
    haemoglobin: Values,
    temperature: Values = 37.0,
) -> BloodGas:
    """The sample that carries this much oxygen (mL/dL) at this PCO2 (mmHg) and base excess (mmol/L).

    Newton in PO2 on the whole content (bound and dissolved), with the shift of the curve at the pressure found: the
    inverse of :func:`saturation` and :func:`oxygen_content`, to 1e-7 after six steps.
    """
    bound = HUFNER * haemoglobin
    S = jnp.clip(oxygen_content_ / bound, 1e-4, 0.999)
    ph = ph_at(carbon_dioxide_pressure, base_excess_, haemoglobin, S)
    start = oxygen_pressure_at(jnp.minimum(S, 0.98))
    excess = (oxygen_content_ - bound) / DISSOLVED_OXYGEN
    start = jnp.where(oxygen_content_ > 0.99 * bound, jnp.maximum(excess, start), start)
    start = start * jnp.exp(curve_shift(start, ph, temperature))

    def improve(_, P):
        shift, change = _shift_and_slope(P, ph, temperature)
        narrower = jnp.exp(-shift)
        standard = P * narrower
        error = bound * standard_saturation(standard) + DISSOLVED_OXYGEN * P - oxygen_content_
        slope = bound * standard_slope(standard) * narrower * (1.0 - change) + DISSOLVED_OXYGEN
        return jnp.clip(P - error / slope, 0.25 * P, 4.0 * P)

    actual = jax.lax.fori_loop(0, 6, improve, start)
    S = standard_saturation(actual * jnp.exp(-curve_shift(actual, ph, temperature)))
    return BloodGas(actual, carbon_dioxide_pressure, ph, S, oxygen_content_, bicarbonate(carbon_dioxide_pressure, ph))


def _shift_and_slope(oxygen_pressure: Values, ph: Values, temperature: Values) -> tuple[Values, Values]:
    """:func:`curve_shift` and how it changes with ln PO2; one logarithm does for both powers."""
    log = jnp.log(jnp.maximum(oxygen_pressure, 1.0))
    by_ph = jnp.exp(0.184 * (log - math.log(26.6)))
    warm = jnp.exp(3.88 * (log + math.log(0.00243)))
    acid, fever = ph - 7.4, temperature - 37.0
    shift = (by_ph - 2.2) * acid + (0.058 / (warm + 1.0) + 0.013) * fever
    return shift, 0.184 * by_ph * acid - 0.058 * 3.88 * warm / jnp.square(warm + 1.0) * fever


def standard_saturation(P: Values) -> Values:
    """Severinghaus' curve at standard pH and temperature: a ratio of polynomials, without a logarithm."""
    cubic = P * (P * P + 150.0)
    return cubic / (cubic + 23400.0)


def standard_slope(P: Values) -> Values:
    """dS/dP of :func:`standard_saturation` (1/mmHg)."""
    cubic = P * (P * P + 150.0)
    return 23400.0 * (3.0 * P * P + 150.0) / jnp.square(cubic + 23400.0)
