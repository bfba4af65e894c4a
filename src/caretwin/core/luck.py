"""Where the luck of a particle ensemble comes from: streams addressed by name, subject and hour."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt32

from caretwin.base.random import stable_hash, stream

_MICROSECONDS_PER_HOUR = 3_600_000_000


def subject_number(subject: str | int | Int[Array, "..."]) -> Int[Array, "..."]:
    """A subject as an integer array, so that a compiled function is not compiled again for the next
    subject."""
    number = stable_hash(subject) if isinstance(subject, str) else subject
    return jnp.asarray(number, dtype=jnp.int64)


def microseconds(hours: Float[Array, "..."]) -> Int[Array, "..."]:
    """Hours from the subject's origin in whole microseconds: two times that differ by rounding share an
    address."""
    return jnp.round(jnp.asarray(hours) * _MICROSECONDS_PER_HOUR).astype(jnp.int64)


def address(key: Array, name: str, subject: Int[Array, ""], hours: Float[Array, ""]) -> Array:
    """The key of one stream of one subject at one time (hours)."""
    return stream(key, name, subject, microseconds(hours))


def process_noise(
    key: Array, subject: Int[Array, ""], hours: Float[Array, ""], count: int, dimension: int, dtype: Any = None
) -> Float[Array, "count dimension"]:
    """Standard normal noise of the transition that ends at ``hours``: one row per particle.

    Filter and forecast share this address, so a forecast has the luck that the filter would have had. Single and
    double precision (``dtype``) are different luck.
    """
    here = address(key, "process", subject, hours)
    if dtype == jnp.float32:
        return _normal_of_halves(here, count, dimension)
    return jax.random.normal(here, (count, dimension), dtype or float)


def centred_process_noise(
    key: Array, subject: Int[Array, ""], hours: Float[Array, ""], count: int, dimension: int, dtype: Any = None
) -> Float[Array, "count dimension"]:
    """As :func:`process_noise`, with mean 0 over the particles: the mean of an ensemble does not walk by chance.

    The Kalman filter and what looks ahead from its ensembles share it.
    """
    w = process_noise(key, subject, hours, count, dimension, dtype)
    return w - jnp.mean(w, axis=0)


def _normal_of_halves(key: Array, count: int, dimension: int) -> Float[Array, "count dimension"]:
    """Standard normal in single precision from both halves of each random word; JAX would throw one away, and luck was
    a sixth of a ward's work.
    """
    words = jax.random.bits(key, (count, -(-dimension // 2)), jnp.uint64)
    halves = jnp.concatenate([words.astype(jnp.uint32), (words >> 32).astype(jnp.uint32)], axis=1)[:, :dimension]
    return _normal_of(halves)


def _normal_of(bits: UInt32[Array, "..."]) -> Float[Array, "..."]:
    """Standard normal in single precision from random words; finite for each of them."""
    # 23 random bits as the fraction of a number in [1, 2), stretched to [-1, 1). One word in eight million would be the
    # lower end itself, whose normal is infinite; adding half a step instead is no remedy, compilers fold it into the 3.
    between = jax.lax.bitcast_convert_type((bits >> 9) | jnp.uint32(0x3F800000), jnp.float32)
    return jnp.float32(2.0**0.5) * jax.lax.erf_inv(jnp.maximum(2.0 * between - 3.0, jnp.float32(2.0**-24 - 1.0)))


def measurement_noise(
    key: Array, subject: Int[Array, ""], hours: Float[Array, ""], count: int, channels: int
) -> Float[Array, "count channels"]:
    """Standard normal noise of what would be measured at ``hours``: one row per particle."""
    return jax.random.normal(address(key, "measurement", subject, hours), (count, channels))
