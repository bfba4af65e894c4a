"""Residual error of drug levels and effects, and the likelihood of values outside the limits of quantification.

    combined_variance   sd^2 = a^2 + (b f)^2     NONMEM F*(1+EPS1)+EPS2, nlmixr2 "comb2"
    combined_sd         sd   = a + b f           Monolix "combined1"
    log_additive        ln y = ln f + a e        additive on the log scale

a in the channel's unit (or log units), b a fraction, f the individual prediction. The density of a measured value is
normal with the variance *at the individual prediction* (first-order conditional estimation with interaction).
A value below the limit of quantification contributes P(y < limit): method M3 of Beal, J Pharmacokinet Pharmacodyn
2001;28:481-504, doi:10.1023/A:1012299115260; above an upper limit, the mirror image.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from caretwin.core.model import ABOVE_LIMIT, BELOW_LIMIT, MEASURED, Observation

COMBINED_VARIANCE, COMBINED_SD, LOG_ADDITIVE = 0, 1, 2
FORMS = {"combined_variance": COMBINED_VARIANCE, "combined_sd": COMBINED_SD, "log_additive": LOG_ADDITIVE}

# Assumption: below this share of the observed value a prediction is no evidence about its own error any more. It
# keeps a proportional error from vanishing with the prediction, and acts only where the fit is hopeless anyway.
SMALLEST_PREDICTION = 1e-4


class ResidualError(eqx.Module):
    """Error of each channel [C]: standard deviations ``additive`` and ``proportional``, and the form's code.

    ``log_scale`` and ``censored`` say, statically, whether any channel is log-additive and whether any value lies
    outside the limits of quantification: what is not needed is not computed.
    """

    additive: Float[Array, " C"]
    proportional: Float[Array, " C"]
    form: Int[Array, " C"]
    log_scale: bool = eqx.field(static=True, default=False)
    censored: bool = eqx.field(static=True, default=True)

    def standard_deviation(self, f: Float[Array, " C"]) -> Float[Array, " C"]:
        """Standard deviation [C] at prediction f [C], in the channels' units (log units for log_additive)."""
        slope = self.proportional * f
        variance = jnp.where(self.form == COMBINED_SD, (self.additive + slope) ** 2, self.additive**2 + slope**2)
        if self.log_scale:
            variance = jnp.where(self.form == LOG_ADDITIVE, self.additive**2, variance)
        return jnp.sqrt(variance)

    def standardised(self, f: Float[Array, "*rows C"], value: Float[Array, "*rows C"]) -> Float[Array, "*rows C"]:
        """How many standard deviations each value lies above its prediction."""
        sd = self._positive_sd(f, value)
        residual = value - f
        if self.log_scale:
            positive = jnp.where(value > 0, value, 1.0)
            ln_f = jnp.log(jnp.maximum(f, SMALLEST_PREDICTION * positive))
            residual = jnp.where(self.form == LOG_ADDITIVE, jnp.log(positive) - ln_f, residual)
        return residual / sd

    def _positive_sd(self, f: Array, value: Array) -> Array:
        sd = self.standard_deviation(jnp.maximum(f, SMALLEST_PREDICTION * jnp.abs(value)))
        return jnp.where(sd > 0, sd, 1.0)

    def log_density(self, f: Float[Array, " C"], y: Observation) -> Float[Array, " C"]:
        """Log density of each channel of y given prediction f [C]; exactly 0 where missing."""
        z = self.standardised(f, y.value)
        measured = -0.5 * z**2 - jnp.log(self._positive_sd(f, y.value)) - 0.5 * jnp.log(2 * jnp.pi)
        if self.log_scale:
            positive = jnp.where(y.value > 0, y.value, 1.0)
            measured = measured - jnp.where(self.form == LOG_ADDITIVE, jnp.log(positive), 0.0)
        density = jnp.where(y.kind == MEASURED, measured, 0.0)
        if not self.censored:
            return density
        side = jnp.where(y.kind == ABOVE_LIMIT, -1.0, 1.0)
        beyond = (y.kind == BELOW_LIMIT) | (y.kind == ABOVE_LIMIT)
        tail = jax.scipy.special.log_ndtr(jnp.where(beyond, side * z, 0.0))
        return jnp.where(beyond, tail, density)

    def sample(self, f: Float[Array, " C"], e: Float[Array, " C"]) -> Float[Array, " C"]:
        """One observed value per channel for standard normal e [C]; a level cannot be below zero."""
        sd = self.standard_deviation(f)
        value = f + sd * e
        if self.log_scale:
            value = jnp.where(self.form == LOG_ADDITIVE, f * jnp.exp(sd * e), value)
        return value
