"""Checkpoints of a living twin: which are kept, and how one becomes bytes and a twin again, bit for bit."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import jax
import numpy as np
import orjson

from caretwin.base.errors import DataError
from caretwin.twin.bedside_twin import BedsideTwin
from caretwin.twin.living.step import State, sound

CLOSEST_MIN = 30
"""min between checkpoints at least."""
SHARE_OF_AGE = 0.5
"""Older checkpoints thin out: neighbours are at least this share of their age apart, so that a datum that is late by
some hours replays at most half as much again, and a stay of weeks has some ten of them."""
_LENGTH = struct.Struct("<I")


class Checkpoint(NamedTuple):
    """A twin after its row of ``minute``.

    chosen  whether a row had the evidence of who chose the ventilation; person  sex, age, height and weight it is of
    """

    minute: int
    state: State
    chosen: bool
    person: tuple[Any, ...] = ()


def kept(checkpoints: Sequence[Checkpoint], now: int) -> list[Checkpoint]:
    """Those worth keeping at a minute, the newest always among them.

    >>> at = lambda minute: Checkpoint(minute, None, False)
    >>> [one.minute for one in kept([at(minute) for minute in range(0, 1000, 30)], 990)]
    [180, 450, 630, 750, 840, 900, 930, 960, 990]
    """
    found: list[Checkpoint] = []
    for one in sorted(checkpoints, key=lambda c: -c.minute):
        age = now - one.minute
        if (
            not found
            or found[-1].minute - one.minute >= max(CLOSEST_MIN, SHARE_OF_AGE * (now - found[-1].minute))
            or (age <= CLOSEST_MIN and len(found) < 2)
        ):
            found.append(one)
    return found[::-1]


def before(checkpoints: Sequence[Checkpoint], minute: int) -> Checkpoint | None:
    """The last checkpoint that no datum of ``minute`` or later went into."""
    return next((one for one in reversed(checkpoints) if one.minute < minute), None)


def model_name(twin: BedsideTwin) -> str:
    """What a checkpoint is of: another model, another number of particles or another seed cannot go on from it."""
    settings = twin.settings
    said = (
        type(twin.model).__name__, getattr(twin.model, "version", ""), settings.particles, settings.passes,
        settings.single, jax.random.key_data(twin.key).tolist(), twin.model.channel_names,
        [np.asarray(leaf).tobytes().hex() for leaf in jax.tree.leaves(twin.model) if np.asarray(leaf).size < 5000],
    )  # fmt: skip
    return f"bedside:{sha256(orjson.dumps(said)).hexdigest()[:16]}"


def to_bytes(checkpoint: Checkpoint) -> bytes:
    """A checkpoint as bytes: a JSON header with shapes, then the numbers as they are in memory."""
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(checkpoint.state)]
    header = {
        "minute": checkpoint.minute,
        "chosen": checkpoint.chosen,
        "person": list(checkpoint.person),
        "leaves": [[leaf.dtype.str, list(leaf.shape)] for leaf in leaves],
    }
    text = orjson.dumps(header)
    return b"".join([_LENGTH.pack(len(text)), text, *(np.ascontiguousarray(leaf).tobytes() for leaf in leaves)])


def from_bytes(content: bytes, structure: Callable[[], Any]) -> Checkpoint:
    """The checkpoint of bytes.

    structure  gives the structure of a state of the model
    Raises DataError for bytes that are not a checkpoint of that structure.
    """
    try:
        (length,) = _LENGTH.unpack_from(content)
        header = orjson.loads(content[_LENGTH.size : _LENGTH.size + length])
        place, leaves = _LENGTH.size + length, []
        for dtype, shape in header["leaves"]:
            count = int(np.prod(shape, dtype=int))
            leaf = np.frombuffer(content, np.dtype(dtype), count, place).reshape(shape)
            place += leaf.nbytes
            leaves.append(leaf.copy())
        state: State = jax.tree.unflatten(structure(), leaves)
        if not sound(state):
            raise ValueError("numbers that are not finite")
        return Checkpoint(int(header["minute"]), state, bool(header["chosen"]), tuple(header["person"]))
    except (struct.error, ValueError, KeyError, TypeError) as problem:
        raise DataError(
            "checkpoint of a twin",
            seen=f"{len(content)} bytes that are none ({type(problem).__name__})",
            wanted="a checkpoint of this model",
            fix="nothing: the twin is made anew from the record",
        ) from problem
