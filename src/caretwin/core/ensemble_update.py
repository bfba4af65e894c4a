"""How an ensemble takes in one datum of many channels: channel after channel, without luck and without factorising.

The errors of channels are independent of each other, so they may be taken in one by one; each time, means move by the
regression on that channel and deviations shrink as Kalman's variance asks. The ensemble then has the right mean and
covariance without perturbed data, whose luck would cost a few hundred particles several per cent of their sharpness.

Sources: Whitaker & Hamill, Mon Weather Rev 2002;130:1913, doi:10.1175/1520-0493(2002)130<1913:EDAWPO>2.0.CO;2
(deterministic serial update, eqs 10-13); Agamennoni, Nieto & Nebot, IEEE Trans Signal Process 2012;60:5024,
doi:10.1109/TSP.2012.2208106 (Student t by variational scale mixture); Flowerdew, Tellus A 2015;67:25257,
doi:10.3402/tellusa.v67.25257 (shrinkage of sampled correlations).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

ROUNDS = 3
"""Repetitions in which the scale mixture of an artefact settles (a fourth changes no digit that matters)."""


class Datum(NamedTuple):
    """A datum on the channels' scale: value [C], seen [C] 0 or 1, variance of its error [C]."""

    value: Float[Array, " C"]
    seen: Float[Array, " C"]
    variance: Float[Array, " C"]

    def of(self, channels: Int[Array, " M"]) -> "Datum":
        """Some of the channels."""
        return Datum(self.value[channels], self.seen[channels], self.variance[channels])


class _Moments(NamedTuple):
    """Of particles z [n] and what they expect h [M] while channels are taken in.

    to_z [n], to_h [M] shift of the means; by_z [n, M], by_h [M, M]  how deviations follow from those of h at the start
    cross [n, M], own [M, M], variance [n]  covariance of z with h, of h, variance of z
    """

    to_z: Array
    to_h: Array
    by_z: Array
    by_h: Array
    cross: Array
    own: Array
    variance: Array


def ensemble_after(
    z: Float[Array, "n N"], expected: Float[Array, "M N"], datum: Datum, reach: Float[Array, "M n"] | None = None
) -> Float[Array, "n N"]:
    """Every particle after the datum.

    z         what is to be moved, one column per particle
    expected  what each particle expected to be measured
    datum     of the same M channels; those that were not seen change nothing
    reach     1 where a channel may move an unknown, 0 where a correlation is chance (None: it may move all)

    Channels are taken in one after the other in the moments, and particles are moved once. A correlation r that N
    particles show by chance is shrunk by r^2 / (r^2 + (1 - r^2)^2 / N).
    """
    N = z.shape[1]
    middle = jnp.mean(expected, axis=1)
    H, Z = expected - middle[:, None], z - jnp.mean(z, axis=1, keepdims=True)

    def gain(cross: Array, variance: Array, own: Array, error: Array) -> Array:
        r2 = jnp.minimum(jnp.square(cross) / jnp.maximum(variance * own, 1e-24), 1.0)
        return cross * r2 / (r2 + jnp.square(1.0 - r2) / N + 1e-12) / (own + error)

    def one(c: Array, m: _Moments) -> _Moments:
        own, error, seen = m.own[c, c], datum.variance[c], datum.seen[c]
        k = seen * gain(m.cross[:, c], m.variance, own, error) * (1.0 if reach is None else reach[c])
        h = seen * gain(m.own[:, c], jnp.diagonal(m.own), own, error)
        miss = datum.value[c] - middle[c] - m.to_h[c]
        less = 1.0 / (1.0 + jnp.sqrt(error / (own + error)))
        k_less, h_less = less * k, less * h
        return _Moments(
            m.to_z + k * miss,
            m.to_h + h * miss,
            m.by_z - jnp.outer(k_less, m.by_h[c]),
            m.by_h - jnp.outer(h_less, m.by_h[c]),
            m.cross - jnp.outer(k_less, m.own[c]) - jnp.outer(m.cross[:, c] - own * k_less, h_less),
            m.own - jnp.outer(h_less, m.own[c]) - jnp.outer(m.own[:, c] - own * h_less, h_less),
            m.variance - 2.0 * k_less * m.cross[:, c] + own * k_less**2,
        )

    n, M = len(z), len(expected)
    start = _Moments(
        jnp.zeros(n, z.dtype),
        jnp.zeros(M, z.dtype),
        jnp.zeros((n, M), z.dtype),
        jnp.eye(M, dtype=z.dtype),
        Z @ H.T / (N - 1),
        H @ H.T / (N - 1),
        jnp.sum(Z * Z, axis=1) / (N - 1),
    )
    end = jax.lax.fori_loop(0, M, one, start)
    return z + end.to_z[:, None] + end.by_z @ H


class Believed(NamedTuple):
    """Channels after a datum: mean [C], covariance [C, C], and the log density of the datum beforehand."""

    mean: Float[Array, " C"]
    covariance: Float[Array, "C C"]
    log_density: Float[Array, ""]


def believed_after(mean: Float[Array, " C"], covariance: Float[Array, "C C"], datum: Datum) -> Believed:
    """Kalman's update of the channels themselves, one after the other."""

    def one(c: Array, b: Believed) -> Believed:
        row = b.covariance[c]
        variance = row[c] + datum.variance[c]
        miss = datum.value[c] - b.mean[c]
        gain = datum.seen[c] * row / variance
        density = -0.5 * (jnp.log(2.0 * jnp.pi * variance) + miss**2 / variance)
        return Believed(
            b.mean + gain * miss, b.covariance - jnp.outer(gain, row), b.log_density + datum.seen[c] * density
        )

    return jax.lax.fori_loop(0, len(mean), one, Believed(mean, covariance, jnp.zeros_like(mean[0])))


def robust_variance(
    expected: Float[Array, "C N"], datum: Datum, dof: Float[Array, " C"]
) -> tuple[Float[Array, " C"], Float[Array, ""]]:
    """Variance of each channel's error, inflated by how far it lies from what the others allow; and the log evidence.

    R' = R (nu + E/R) / (nu + 1) with E the expected squared residual after the datum: repeated, it settles on the
    mode of the scale mixture that is the Student t.
    """
    mean = jnp.mean(expected, axis=1)
    deviation = expected - mean[:, None]
    covariance = deviation @ deviation.T / (expected.shape[1] - 1)
    R = jnp.where(datum.seen > 0, datum.variance, 1.0)

    def settle(_: Array, inflated: Array) -> Array:
        after = believed_after(mean, covariance, datum._replace(variance=inflated))
        square = (datum.value - after.mean) ** 2 + jnp.maximum(jnp.diagonal(after.covariance), 0.0)
        return jnp.where(datum.seen > 0, jnp.maximum(R * (dof + square / R) / (dof + 1.0), 0.5 * R), 1.0)

    inflated = jax.lax.fori_loop(0, ROUNDS, settle, R)
    after = believed_after(mean, covariance, datum._replace(variance=inflated))
    return inflated, after.log_density


def unlikely(expected: Float[Array, "C N"], datum: Datum) -> Float[Array, " C"]:
    """How surprising each channel is [C]: -log10 of its two-sided tail beforehand; 0 for one that was not seen.

    The tail is that of the particles' normal distributions, mean over them; as a count of N draws cannot show a
    probability below 1/N, it is (N p + 1) / (N + 1) as in :func:`caretwin.core.surprise.surprise`.
    """
    N = expected.shape[1]
    below = jnp.mean(jax.scipy.special.ndtr((datum.value[:, None] - expected) / jnp.sqrt(datum.variance)[:, None]), 1)
    tail = 2.0 * jnp.minimum(below, 1.0 - below)
    tail = (N * jnp.clip(tail, 0.0, 1.0) + 1.0) / (N + 1.0)
    return jnp.where(datum.seen > 0, -jnp.log10(tail), 0.0)
