"""A model made to fail in every way that a filter must survive, by numbers alone, so that one program serves
all cases."""

import jax
import jax.numpy as jnp
from jax.scipy.stats import norm

from caretwin.core.model import BELOW_LIMIT, MISSING, GaussianPrior, Model, Observation


class Fragile(Model):
    """theta [1] ~ N(0, 1) is seen twice: channel 0 with noise r within +-reach, channel 1 with noise 1.

    The state turns into NaN for every theta above ``breaks_above``; context and inputs are not used.
    """

    prior: GaussianPrior
    r: jax.Array
    reach: jax.Array
    breaks_above: jax.Array

    @property
    def noise_dimension(self):
        return 0

    def individual(self, theta, context):
        return theta[0]

    def initial(self, phi, z):
        return jnp.zeros(())

    def transition(self, phi, x, u, w, dt):
        return jnp.where(phi > self.breaks_above, jnp.nan, x)

    def predict(self, phi, x, u):
        return jnp.stack([phi, phi]) + 0 * x

    def log_observation(self, phi, x, u, y):
        sd = jnp.stack([self.r, jnp.ones(())])
        residual = y.value - self.predict(phi, x, u)
        density = norm.logpdf(residual, scale=sd)
        density = jnp.where(y.kind == BELOW_LIMIT, norm.logcdf(residual / sd), density)
        density = jnp.where(jnp.abs(residual) > self.reach, -jnp.inf, density)
        return jnp.where(y.kind == MISSING, 0.0, density)

    def sample_observation(self, phi, x, u, e):
        return self.predict(phi, x, u) + jnp.stack([self.r, jnp.ones(())]) * e


def fragile(r=1.0, reach=jnp.inf, breaks_above=jnp.inf):
    prior = GaussianPrior(jnp.zeros(1), jnp.eye(1))
    return Fragile(prior, *(jnp.asarray(float(value)) for value in (r, reach, breaks_above)))


def seen(first=None, second=None, below=False):
    """An observation of two channels; ``None`` is missing."""
    kind = [MISSING if value is None else BELOW_LIMIT if below else 1 for value in (first, second)]
    return Observation(jnp.array([value or 0.0 for value in (first, second)]), jnp.array(kind))
