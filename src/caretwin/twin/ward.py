"""A whole ward: every twin is moved to its minute and takes in what came of it, by one compiled program.

Nobody in a ward changes the numbers of another. It is kept in groups of patients whose ensembles are one array; the
program advances a group at a time, in place, on as many cores as there are, so that its numbers stay in the processor's
cache. Who comes or goes needs no new program. Unlike :mod:`live`, a ward takes in neither late results nor a person's
own scatter.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float, Int

from caretwin.core.ensemble import Ensemble
from caretwin.core.ensemble_kalman import KalmanSettings, begin, update
from caretwin.core.filter import Info
from caretwin.core.model import MEASURED, Observation
from caretwin.core.program import program
from caretwin.twin.bedside_twin import BedsideTwin

TOGETHER = 16
"""Patients in a group: fewer waste calls, more fall out of the cache (measured)."""
MEASURED_TOGETHER = (4, 12)
"""Channels that can be seen at once in a program of their own: monitors alone, monitors and ventilator."""


class Group(NamedTuple):
    """Some patients: every leaf begins with an axis of them, but the time is the ward's; subject numbers their luck."""

    ensemble: Ensemble
    body: Any
    subject: Int[Array, " K"]


class Ward(NamedTuple):
    """Twins of P patients in groups of :data:`TOGETHER`; what fills the last one up is nobody."""

    groups: tuple[Group, ...]
    patients: int

    @property
    def ensemble(self) -> Ensemble:
        """The twins as one array: every leaf but the time with an axis of patients."""
        parts = [group.ensemble._replace(t=None) for group in self.groups]
        return _joined(parts, self.patients)._replace(t=self.groups[0].ensemble.t)


class Minute(NamedTuple):
    """What holds and what came: settings with leaves [P], value and kind [P, C] (kind 1: measured), time h (ward's)."""

    settings: Any
    value: Float[Array, "P C"]
    kind: Int[Array, "P C"]
    time: float


def ward_of(twin: BedsideTwin, bodies: Any, subjects: Int[Array, " P"], time_h: float) -> Ward:
    """The ward before any datum: each patient's prior at this hour of the ward's clock; bodies with leaves [P].

    Raises ValueError for a ward without patients.
    """
    if not len(subjects):
        raise ValueError("a ward of 0 patients: wanted at least 1")
    groups = (
        Group(_begun(twin.model, twin.settings, twin.key, body, subject, float(time_h)), body, subject)
        for body, subject in _cut((bodies, np.asarray(subjects)))
    )
    return Ward(tuple(groups), len(subjects))


def advance_ward(twin: BedsideTwin, ward: Ward, minute: Minute) -> tuple[Ward, Info]:
    """Every twin at the time of ``minute``, with what was measured; Info with an axis of patients.

    The ward that is given is used up: its memory becomes that of the answer.

    Raises ValueError when the minute is not of as many patients as the ward.

    Example: ``ward, info = advance_ward(twin, ward, minute)``; ``info.surprise[p]`` says what patient p's twin did not
    expect.
    """
    if len(minute.value) != ward.patients:
        raise ValueError(f"a minute of {len(minute.value)} patients for a ward of {ward.patients}")
    kind = np.asarray(minute.kind)
    measured = np.max(np.sum(kind == MEASURED, axis=1))
    most = next((count for count in MEASURED_TOGETHER if measured <= count), kind.shape[1])
    parts = _cut((minute.settings, minute.value, kind))

    def one(group: Group, part: Any) -> tuple[Ensemble, Info]:
        answer = _advanced(twin.model, twin.settings, twin.key, *group, *part, float(minute.time), most)
        return jax.block_until_ready(answer)  # type: ignore[no-any-return]

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        found = list(pool.map(one, ward.groups, parts))
    groups = [group._replace(ensemble=ensemble) for group, (ensemble, _) in zip(ward.groups, found, strict=True)]
    info = jax.tree.map(np.asarray, [info for _, info in found])
    return ward._replace(groups=tuple(groups)), _joined(info, ward.patients)


def _cut(tree: Any) -> list[Any]:
    """Leaves [P, ...] as groups of leaves [K, ...], the last filled up with its last patient."""
    leaves, structure = jax.tree.flatten(tree)
    patients = len(leaves[0])
    who = np.minimum(np.arange(-(-patients // TOGETHER) * TOGETHER), patients - 1).reshape(-1, TOGETHER)
    leaves = [np.asarray(leaf) for leaf in leaves]
    return [jax.tree.unflatten(structure, [leaf[group] for leaf in leaves]) for group in who]


def _joined(parts: list[Any], patients: int) -> Any:
    return jax.tree.map(lambda *leaves: np.concatenate(leaves)[:patients], *parts)


ONE_CLOCK = Ensemble(0, 0, 0, None)


@program(static=(1,))
def _begun(model: Any, settings: KalmanSettings, key: Array, bodies: Any, subjects: Any, t: Any) -> Ensemble:
    def one(body: Any, subject: Any) -> Ensemble:
        return begin(model, settings, key, body, t, subject)

    return jax.vmap(one, out_axes=ONE_CLOCK)(bodies, subjects)


@program(static=(1, 10), used_up=(3,))
def _advanced(
    model: Any, settings: KalmanSettings, key: Array, ensemble: Ensemble, body: Any, subject: Any, u: Any, value: Any,
    kind: Any, t: Any, most: int,
) -> tuple[Ensemble, Info]:  # fmt: skip
    def one(ensemble: Ensemble, body: Any, subject: Any, u: Any, value: Any, kind: Any) -> tuple[Ensemble, Info]:
        return update(model, settings, key, subject, ensemble, u, body, Observation(value, kind), t, most)

    return jax.vmap(one, (ONE_CLOCK, 0, 0, 0, 0, 0), (ONE_CLOCK, 0))(ensemble, body, subject, u, value, kind)
