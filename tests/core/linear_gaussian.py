"""A model whose posterior is known exactly, and that posterior by linear algebra in NumPy alone.

A level with a trend, pushed by an input of unknown strength, seen with noise; the level at the start is
remembered in the state, so that what a filter believes of it later is the smoothed start.

    d level = (trend + gain u) dt,   d trend = sqrt(q) dB,   y = level + r e,   gain ~ N(m, s^2)

The oracle puts the gain into the state, (level, trend, start, gain), where everything is linear and normal.
"""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.scipy.stats import norm

from caretwin.core.model import BELOW_LIMIT, MEASURED, GaussianPrior, Model

LEVEL, TREND, START, GAIN = range(4)


class TrendState(NamedTuple):
    level: jnp.ndarray
    trend: jnp.ndarray
    start: jnp.ndarray


class PushedTrend(Model):
    """theta = gain [1]; x = TrendState; u = {"push": ...}; context = {"offset": ...} added to what is
    seen."""

    prior: GaussianPrior
    q: jnp.ndarray
    r: jnp.ndarray

    @property
    def noise_dimension(self):
        return 2

    def individual(self, theta, context):
        return theta[0], context["offset"]

    def initial(self, phi, z):
        return TrendState(z[0], 0.5 * z[1], z[0])

    def transition(self, phi, x, u, w, dt):
        gain, _ = phi
        # Cholesky factor of q [[dt^3/3, dt^2/2], [dt^2/2, dt]], the covariance of (level, trend) noise over
        # dt.
        root = jnp.sqrt(self.q * dt)
        level = x.level + (x.trend + gain * u["push"]) * dt + root * dt * w[0] / jnp.sqrt(3.0)
        trend = x.trend + root * (jnp.sqrt(3.0) * w[0] + w[1]) / 2
        return TrendState(level, trend, x.start)

    def predict(self, phi, x, u):
        return jnp.array([x.level + phi[1]])

    def log_observation(self, phi, x, u, y):
        z = (y.value - self.predict(phi, x, u)) / self.r
        density = jnp.where(y.kind == BELOW_LIMIT, norm.logcdf(z), norm.logpdf(z) - jnp.log(self.r))
        return jnp.where((y.kind == MEASURED) | (y.kind == BELOW_LIMIT), density, 0.0)

    def sample_observation(self, phi, x, u, e):
        return self.predict(phi, x, u) + self.r * e


def pushed_trend(q=0.05, r=0.5, mean=0.3, sd=0.6):
    prior = GaussianPrior(jnp.array([mean]), jnp.array([[sd]]))
    return PushedTrend(prior, jnp.array(q), jnp.array(r))


class UnknownMean(Model):
    """theta = mean [1], no state and no noise: y = mean + r e. The simplest static parameter there is."""

    prior: GaussianPrior
    r: jnp.ndarray
    dimension: int = eqx.field(static=True, default=0)

    @property
    def noise_dimension(self):
        return self.dimension

    def individual(self, theta, context):
        return theta[0]

    def initial(self, phi, z):
        return jnp.zeros(())

    def transition(self, phi, x, u, w, dt):
        return x

    def predict(self, phi, x, u):
        return jnp.array([phi])

    def log_observation(self, phi, x, u, y):
        z = (y.value - phi) / self.r
        return jnp.where(y.kind == MEASURED, norm.logpdf(z) - jnp.log(self.r), 0.0)

    def sample_observation(self, phi, x, u, e):
        return phi + self.r * e


class Exact(NamedTuple):
    """Mean [T, 4], covariance [T, 4, 4] and log evidence [T] of the filtering distributions, as a textbook
    has them."""

    mean: np.ndarray
    covariance: np.ndarray
    log_evidence: np.ndarray
    before_mean: np.ndarray
    before_covariance: np.ndarray
    matrices: np.ndarray


def kalman(model, time, push, y, seen, noise=None):
    """The Kalman filter. Kalman, J Basic Eng 1960;82:35-45; row 0 is the start, with its own observation."""
    mean = np.array([0.0, 0.0, 0.0, float(model.prior.mean[0])])
    spread = np.array([[1, 0, 0], [0, 0.5, 0], [1, 0, 0], [0, 0, float(model.prior.cholesky[0, 0])]])
    covariance = spread @ spread.T
    h = np.array([1.0, 0, 0, 0])
    q, r = float(model.q), float(model.r) if noise is None else noise
    rows = []
    for t in range(len(time)):
        dt = time[t] - time[max(t - 1, 0)]
        a = np.eye(4)
        a[LEVEL, TREND], a[LEVEL, GAIN] = dt, push[t] * dt
        noise_covariance = np.zeros((4, 4))
        noise_covariance[:2, :2] = q * np.array([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]])
        mean, covariance = a @ mean, a @ covariance @ a.T + noise_covariance
        before, log_evidence = (mean, covariance), 0.0
        if seen[t]:
            variance = h @ covariance @ h + r**2
            gain = covariance @ h / variance
            log_evidence = -0.5 * (np.log(2 * np.pi * variance) + (y[t] - h @ mean) ** 2 / variance)
            mean, covariance = mean + gain * (y[t] - h @ mean), covariance - np.outer(gain, h @ covariance)
        rows.append((mean, covariance, log_evidence, *before, a))
    return Exact(*(np.array(column) for column in zip(*rows, strict=True)))


def smooth(exact):
    """Rauch-Tung-Striebel smoother: mean and covariance of every state given all data. AIAA J
    1965;3:1445-1450."""
    mean, covariance = exact.mean.copy(), exact.covariance.copy()
    for t in range(len(mean) - 2, -1, -1):
        # A pseudo-inverse: the remembered start makes the predicted covariance singular while it equals the
        # level.
        gain = exact.covariance[t] @ exact.matrices[t + 1].T @ np.linalg.pinv(exact.before_covariance[t + 1])
        mean[t] += gain @ (mean[t + 1] - exact.before_mean[t + 1])
        covariance[t] += gain @ (covariance[t + 1] - exact.before_covariance[t + 1]) @ gain.T
    return mean, covariance
