"""Random streams addressed by (name, subject, time) and never by the order of calls.

The same address gives the same luck: a what-if differs from what happened by the change alone, and one more
resident changes nobody else's numbers. A stream is a JAX key; draw from it once, or split it.
"""

from collections.abc import Sequence
from functools import cache
from hashlib import blake2b

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

WORD = 32
"""Bits that one fold takes; a 64-bit number is folded as two words, the high one first."""


def raw_key(seed: int) -> np.ndarray:
    """The words [2] of ``jax.random.key(seed)``, without the compiled program that this one needs.

    Raises ``OverflowError`` for a seed that does not fit in 64 bits.

    Example: ``raw_key(7)`` is ``[0, 7]``.
    """
    return np.array(_words(seed), dtype=np.uint32)


def stream(key: Array, name: str, subject: str | int | Int[Array, ""] = 0, time: int | Int[Array, ""] = 0) -> Array:
    """The key of one stream.

    key      JAX key of the run, typed or raw
    name     what the randomness is for, such as ``"fit.importance"``; static under ``jit``
    subject  identifier as text, or as an integer scalar (traceable; ``vmap`` over it for a ward)
    time     microseconds as an integer scalar (traceable), negative before the origin
    Returns a key of the same kind. The same address always gives the same key.

    Raises ``OverflowError`` for a Python integer that does not fit in 64 bits and ``TypeError`` for a number
    that is not an integer. Source of the idea: common random numbers, Law & Kelton, Simulation Modeling and
    Analysis, ch. 11; of the keys: Salmon et al., SC 2011, doi:10.1145/2063384.2063405 (Threefry, in JAX).

    Example: ``jax.random.normal(stream(key, "sensor", subject=7))`` is the same wherever it is asked.
    """
    key = _fold(key, stable_hash(name))
    key = _fold(key, stable_hash(subject) if isinstance(subject, str) else subject)
    return _fold(key, time)


def streams(key: Array, name: str, subjects: Sequence[str | int], time: int = 0) -> Array:
    """The keys of one stream for many subjects, shape [S] (typed keys) or [S, 2] (raw), in one batched call.

    Row i equals ``stream(key, name, subjects[i], time)``, whoever the others are. Arguments as there.

    Example: ``streams(key, "fit", ["a", "b"])[1]`` equals ``stream(key, "fit", "b")``.
    """
    numbers = np.array([stable_hash(s) if isinstance(s, str) else s for s in subjects], dtype=np.int64)
    bits = numbers.astype(np.uint64)
    high, low = (bits >> np.uint64(WORD)).astype(np.uint32), bits.astype(np.uint32)
    named = _fold(key, stable_hash(name))
    personal = jax.vmap(lambda h, w: jax.random.fold_in(jax.random.fold_in(named, h), w))(high, low)
    timed: Array = jax.vmap(lambda one: _fold(one, time))(personal)
    return timed


@cache
def stable_hash(text: str) -> int:
    """Signed 64-bit BLAKE2b hash of a text: the same in every process and version, unlike ``hash``.

    Source: Saarinen & Aumasson, RFC 7693 (2015).
    """
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


def _fold(key: Array, number: int | Int[Array, ""]) -> Array:
    """Fold a 64-bit integer into a key, word by word."""
    high, low = _words(number)
    return jax.random.fold_in(jax.random.fold_in(key, high), low)


def _words(number: int | Int[Array, ""]) -> tuple[Array | np.uint32, Array | np.uint32]:
    """The high and low 32 bits of an integer: equal for Python, NumPy and traced integers of any width."""
    if isinstance(number, int | np.integer):
        bits = int(np.int64(number)) % (1 << 2 * WORD)
        return np.uint32(bits >> WORD), np.uint32(bits % (1 << WORD))
    if not jnp.issubdtype(jnp.result_type(number), jnp.integer):
        kind = jnp.result_type(number)
        raise TypeError(f"a stream is addressed by integers, not by {kind}: give microseconds")
    number = jnp.asarray(number)
    low = number.astype(jnp.uint32)
    if 8 * number.dtype.itemsize > WORD:
        return (number >> WORD).astype(jnp.uint32), low
    return jnp.where(number < 0, jnp.uint32(0xFFFFFFFF), jnp.uint32(0)), low
