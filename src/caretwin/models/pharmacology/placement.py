"""Where doses lie in time when a parameter decides: after a lag, or over a duration that is estimated.

Such doses get two rows each, for their start and their end, sorted in anew for every set of parameters.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from caretwin.core.history import Doses, History
from caretwin.core.model import MISSING, Observation
from caretwin.models.pharmacology.structure import Structure

Scalar = Float[Array, ""]


class DoseInputs(NamedTuple):
    """What enters the body over a step.

    bolus, rate  [I]  at its start (dose unit), and during it (dose unit/h), per input
    """

    bolus: Float[Array, " I"]
    rate: Float[Array, " I"]


class _Placed(NamedTuple):
    begin: Array
    end: Array
    bolus: Array
    rate: Array
    target: Array


def available(p: dict[str, Scalar], place: int, amount: Scalar) -> Scalar:
    """The bioavailable part of an amount; F1 is that of the first input, F2 of the second."""
    name = f"F{place + 1}"
    return amount * p[name] if name in p else amount


def _placed(s: Structure, p: dict[str, Array], doses: Doses) -> _Placed:
    """Start, end, bolus and rate of every dose; parameters have leaves [K]."""
    lag, duration = jnp.zeros_like(doses.time), doses.duration
    for i in range(len(s.inputs)):
        mine = doses.target == i
        if f"LAG{i + 1}" in p:
            lag = jnp.where(mine, jnp.take(p[f"LAG{i + 1}"], doses.context, mode="clip"), lag)
        if f"D{i + 1}" in p:
            duration = jnp.where(mine, jnp.take(p[f"D{i + 1}"], doses.context, mode="clip"), duration)
    lasting = duration > 0
    rate = jnp.where(lasting, doses.amount / jnp.where(lasting, duration, 1.0), 0.0)
    begin = doses.time + lag
    return _Placed(begin, begin + duration, jnp.where(lasting, 0.0, doses.amount), rate, doses.target)


def as_rows(s: Structure, p: dict[str, Array], history: History, doses: Doses) -> History:
    """The history with two rows more per movable dose, for its start and its end, sorted in; p has leaves [K]."""
    placed = _placed(s, p, doses)
    begin, end = placed.begin, placed.end
    to = (doses.target[:, None] == jnp.arange(len(s.inputs))) * 1.0
    flow, push = placed.rate[:, None] * to, placed.bolus[:, None] * to
    rows = history.time.shape[0]
    time = jnp.concatenate([history.time, begin, end])
    last = jnp.max(history.time)
    time = jnp.minimum(time, last)  # what happens after the last record is not needed, and must not extend it
    late = jnp.concatenate([history.time, begin, end]) > last
    order = jnp.argsort(time, stable=True)
    still = jnp.zeros((rows, len(s.inputs)))
    bolus = jnp.concatenate([still, push, jnp.zeros_like(push)])
    change = jnp.concatenate([still, flow, -flow])
    bolus = jnp.where(late[:, None], 0.0, bolus)[order]
    change = jnp.where(late[:, None], 0.0, change)[order]
    shift = jnp.zeros((1, len(s.inputs)))
    u = DoseInputs(jnp.concatenate([shift, bolus[:-1]]), jnp.concatenate([shift, jnp.cumsum(change, axis=0)[:-1]]))
    time = time[order]
    nearest = jnp.clip(jnp.searchsorted(history.time, time, side="left"), 0, rows - 1)
    extra = 2 * doses.time.shape[0]

    def padded(leaf: Array, fill: float) -> Array:
        return jnp.concatenate([leaf, jnp.full((extra, *leaf.shape[1:]), fill, leaf.dtype)])[order]

    y = Observation(padded(history.y.value, 1), padded(history.y.kind, MISSING))
    at = jnp.where(order < rows, history.at[jnp.minimum(order, rows - 1)], history.between[nearest])
    return History(time, u, history.between[nearest], at, y, history.contexts, history.doses)
