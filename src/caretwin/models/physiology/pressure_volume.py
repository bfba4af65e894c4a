"""The sigmoid pressure-volume curve of the respiratory system, and how much of its compliance over-distension takes.

    V(P) = a + b / (1 + exp(-(P - c)/d))                                                          (Venegas 1998, eq. 1)

a lower volume [L], b volume between the asymptotes [L], c pressure of the inflection [cmH2O], d width [cmH2O]; its
slope is greatest, b/(4d), at c. Source: Venegas, Harris & Simon 1998, J Appl Physiol 84:389.

Differences are written with tanh u - tanh v = tanh(u - v)(1 - tanh u tanh v), so that near pressures lose no digits.
Functions are of scalars, pure, differentiable and finite; volumes [L], pressures [cmH2O], compliances [L/cmH2O].
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

Scalar = Float[Array, ""]

# Lung volumes per predicted body weight: Pulse Physiology Engine 4.2, patient methodology (mL/kg; a transcription).
RESIDUAL_VOLUME, FUNCTIONAL_RESIDUAL_CAPACITY, TOTAL_LUNG_CAPACITY = 16.0, 30.0, 80.0

_FULL = 0.999  # of the way to an asymptote: where an inverse stops, because pressure would be infinite there
_SERIES_BELOW = 1e-2  # of tanh(z)/z; the series' next term, 2 z^4/15, is then below 2e-9


class PressureVolumeCurve(NamedTuple):
    """Venegas' four parameters.

    lower_volume a, capacity b [L]; inflection c, width d [cmH2O]
    """

    lower_volume: Scalar
    capacity: Scalar
    inflection: Scalar
    width: Scalar


def curve_at_rest(predicted_weight: Scalar, compliance: Scalar, pressure: Scalar) -> PressureVolumeCurve:
    """The curve of a lung whose volume at rest (FRC) and compliance there are known.

    predicted_weight [kg]; compliance [L/cmH2O] and pressure [cmH2O] at FRC. With s = (FRC - RV)/(TLC - RV) = 0.219 the
    slope at FRC is (b/d) s (1 - s), which gives d, and c lies d ln((1 - s)/s) above.

    >>> round(float(curve_at_rest(75.3, 0.1, 0.0).width), 2)
    8.24
    """
    b = (TOTAL_LUNG_CAPACITY - RESIDUAL_VOLUME) * 1e-3 * jnp.asarray(predicted_weight)
    s = (FUNCTIONAL_RESIDUAL_CAPACITY - RESIDUAL_VOLUME) / (TOTAL_LUNG_CAPACITY - RESIDUAL_VOLUME)
    d = s * (1.0 - s) * b / compliance
    a = RESIDUAL_VOLUME * 1e-3 * jnp.asarray(predicted_weight)
    return PressureVolumeCurve(a, b, pressure + d * jnp.log((1.0 - s) / s), d)


def volume_at(curve: PressureVolumeCurve, pressure: Scalar) -> Scalar:
    """Volume [L] at a static pressure."""
    return curve.lower_volume + curve.capacity * 0.5 * (1.0 + jnp.tanh(_half(curve, pressure)))


def pressure_at(curve: PressureVolumeCurve, volume: Scalar) -> Scalar:
    """Static pressure [cmH2O] that holds a volume; a volume outside the curve is moved to its nearest 0.05 %."""
    filled = jnp.clip(2.0 * (volume - curve.lower_volume) / curve.capacity - 1.0, -_FULL, _FULL)
    return curve.inflection + 2.0 * curve.width * jnp.arctanh(filled)


def compliance_at(curve: PressureVolumeCurve, pressure: Scalar) -> Scalar:
    """Slope of the curve [L/cmH2O]."""
    return chord_compliance(curve, pressure, pressure)


def chord_compliance(curve: PressureVolumeCurve, low: Scalar, high: Scalar) -> Scalar:
    """Volume per pressure between two pressures [L/cmH2O]: what a tidal breath between PEEP and plateau shows.

    >>> curve = PressureVolumeCurve(1.0, 4.0, 15.0, 8.0)
    >>> round(float(chord_compliance(curve, 10.0, 20.0)), 4), round(float(chord_compliance(curve, 30.0, 40.0)), 4)
    (0.1211, 0.0364)
    """
    return curve.capacity / (4.0 * curve.width) * _relative_chord(_half(curve, low), _half(curve, high))


def over_distension(inflection: Scalar, width: Scalar, low: Scalar, high: Scalar) -> Scalar:
    """Share of the compliance that is left between two pressures: 1 below the inflection, falling towards 0 above it.

    Only the upper half of the sigmoid: its lower half is recruitment, which a model of opening pressures describes.
    The mean of sech^2((P - c)/2d) over the pressures above c, and of 1 over those below.

    >>> round(float(over_distension(20.0, 8.0, 5.0, 18.0)), 3), round(float(over_distension(20.0, 8.0, 15.0, 35.0)), 3)
    (1.0, 0.837)
    """
    c, d = inflection, width
    upper_low, upper_high = jnp.maximum(low, c), jnp.maximum(high, c)
    span = high - low
    share = jnp.where(span > 0, (upper_high - upper_low) / jnp.where(span > 0, span, 1.0), jnp.where(low > c, 1.0, 0.0))
    return 1.0 - share * (1.0 - _relative_chord(0.5 * (upper_low - c) / d, 0.5 * (upper_high - c) / d))


def pressure_after_inflation(
    compliance: Scalar, inflection: Scalar, width: Scalar, start: Scalar, volume: Scalar
) -> Scalar:
    """Pressure [cmH2O] after ``volume`` [L] has been added at ``start`` [cmH2O], over-distension included.

    ``compliance`` [L/cmH2O] is that below the inflection. The closed inverse of :func:`over_distension`: between
    start and result that function gives volume / (compliance * (result - start)).

    >>> round(float(pressure_after_inflation(0.05, 20.0, 8.0, 5.0, 0.5)), 2)
    15.0
    >>> round(float(pressure_after_inflation(0.05, 20.0, 8.0, 20.0, 0.5)), 2)
    31.73
    """
    c, d = inflection, width
    begun = jnp.where(start < c, start - c, 2.0 * d * jnp.tanh(jnp.maximum(0.5 * (start - c) / d, 0.0)))
    reached = begun + volume / compliance
    return c + jnp.where(reached < 0, reached, 2.0 * d * jnp.arctanh(jnp.clip(0.5 * reached / d, 0.0, _FULL)))


def _half(curve: PressureVolumeCurve, pressure: Scalar) -> Scalar:
    return 0.5 * (pressure - curve.inflection) / curve.width


def _relative_chord(v: Scalar, u: Scalar) -> Scalar:
    """(tanh u - tanh v)/(u - v): slope of a chord relative to the steepest slope."""
    z = jnp.asarray(u - v)
    near = jnp.abs(z) < _SERIES_BELOW
    ratio = jnp.where(near, 1.0 - z**2 / 3.0, jnp.tanh(z) / jnp.where(near, 1.0, z))
    return ratio * (1.0 - jnp.tanh(u) * jnp.tanh(v))
