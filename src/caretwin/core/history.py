"""The recorded past of a subject as arrays of fixed shape, so that one compiled program serves every patient.

A history is a list of rows in time order. Row i says: from ``time[i-1]`` to ``time[i]`` the inputs ``u[i]`` held and
the context ``between[i]`` applied; at ``time[i]`` the observation ``y[i]`` was made in the context ``at[i]``.
Row 0 starts the history (its step has length zero). Padding repeats the last time, with no input and nothing
observed, so it changes nothing.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from caretwin.core.model import MEASURED, MISSING, Context, Inputs, Observation

BUCKETS = (4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048, 4096)


class Doses(NamedTuple):
    """Doses whose place in time depends on a parameter (lag, estimated duration). Padding has amount 0.

    time, amount, duration  [D]  h, dose unit, h (0 for a bolus)
    target                  [D]  index of the input that receives it
    context                 [D]  context in which its lag and duration are read
    """

    time: Float[Array, " D"]
    amount: Float[Array, " D"]
    duration: Float[Array, " D"]
    target: Int[Array, " D"]
    context: Int[Array, " D"]


class History(NamedTuple):
    """One subject ([E, ...]) or many ([S, E, ...]). Times are hours from the subject's own origin.

    time      [E]       non-decreasing
    u         pytree of [E, ...]  inputs during the interval that ends at the row
    between   [E]       index of the context during that interval
    at        [E]       index of the context in which the row's observation is made
    y         Observation of [E, C]
    contexts  pytree of [K, ...]  the distinct contexts
    doses     only for models that place doses in time themselves; ``u`` is then empty of them
    """

    time: Float[Array, " E"]
    u: Inputs
    between: Int[Array, " E"]
    at: Int[Array, " E"]
    y: Observation
    contexts: Context
    doses: Doses | None = None

    @property
    def dt(self) -> Float[Array, " E"]:
        """Length of the interval that ends at each row [E] (h); 0 for the first row."""
        return jnp.diff(self.time, axis=-1, prepend=self.time[..., :1])


def bucket(size: int, buckets: tuple[int, ...] = BUCKETS) -> int:
    """The smallest bucket that holds ``size`` rows: shapes come from a short list, so compilations stay few."""
    return next((b for b in buckets if b >= size), -(-size // buckets[-1]) * buckets[-1])


def small_bucket(size: int) -> int:
    """The next power of two, for contexts and subjects."""
    return 1 << max(0, size - 1).bit_length()


def pad_rows(history: History, rows: int) -> History:
    """The same history with ``rows`` rows: the last time repeated, nothing given and nothing observed."""
    extra = rows - history.time.shape[-1]
    if extra < 0:
        raise ValueError(f"cannot pad {history.time.shape[-1]} rows to {rows}")

    def zeros(leaf: Any) -> Any:
        return np.concatenate([leaf, np.zeros((extra, *np.shape(leaf)[1:]), dtype=np.asarray(leaf).dtype)])

    def repeat(leaf: Any) -> Any:
        return np.concatenate([leaf, np.repeat(np.asarray(leaf)[-1:], extra, axis=0)])

    return History(
        time=repeat(history.time),
        u=jax.tree.map(zeros, history.u),
        between=repeat(history.between),
        at=repeat(history.at),
        y=Observation(repeat(history.y.value), zeros(history.y.kind)),
        contexts=history.contexts,
        doses=history.doses,
    )


def pad_contexts(history: History, count: int) -> History:
    """The same history with ``count`` contexts; the added ones repeat the last and no row points at them."""

    def repeat(leaf: Any) -> Any:
        leaf = np.asarray(leaf)
        return np.concatenate([leaf, np.repeat(leaf[-1:], count - len(leaf), axis=0)])

    return history._replace(contexts=jax.tree.map(repeat, history.contexts))


def pad_doses(history: History, count: int) -> History:
    """The same history with ``count`` movable doses; the added ones have amount 0."""
    if history.doses is None:
        return history

    def zeros(leaf: Any) -> Any:
        leaf = np.asarray(leaf)
        return np.concatenate([leaf, np.zeros(count - len(leaf), dtype=leaf.dtype)])

    return history._replace(doses=jax.tree.map(zeros, history.doses))


def stack(histories: list[History], buckets: tuple[int, ...] = BUCKETS) -> History:
    """Many subjects as one history with a leading axis S, padded to the largest bucket among them."""
    rows = bucket(max(h.time.shape[-1] for h in histories), buckets)
    contexts = small_bucket(max(len(jax.tree.leaves(h.contexts)[0]) for h in histories))
    doses = small_bucket(max(0 if h.doses is None else len(h.doses.time) for h in histories))
    padded = [pad_doses(pad_contexts(pad_rows(h, rows), contexts), doses) for h in histories]
    return jax.tree.map(lambda *leaves: np.stack(leaves), *padded)


def hide(history: History, after: Float[Array, ""] | float) -> History:
    """The history as known just before ``after`` (h): observations at or later than it become missing.

    Inputs stay: what will be given is the plan, what will be measured is not known yet.
    """
    seen = history.time < after
    kind = jnp.where(seen[..., None], history.y.kind, MISSING)
    return history._replace(y=Observation(history.y.value, kind))


def measured(history: History) -> Array:
    """True where a channel was measured (not missing, not censored), shape [..., E, C]."""
    return jnp.asarray(history.y.kind) == MEASURED
