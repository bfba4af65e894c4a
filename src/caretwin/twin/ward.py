"""A whole ward as one array: every twin is moved to its minute and takes in what came of it, by one compiled program.

Nobody in a ward changes the numbers of another. Patients are independent, so shares of the ward run
side by side on the cores there are. Unlike :mod:`live`, it takes in neither late results nor a person's own scatter.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from caretwin.core.ensemble import Ensemble
from caretwin.core.ensemble_kalman import KalmanSettings, begin, update
from caretwin.core.filter import Info
from caretwin.core.model import Observation
from caretwin.core.program import program
from caretwin.twin.live import BedsideTwin


class Ward(NamedTuple):
    """Twins of P patients: every leaf begins with an axis of patients; subject [P] numbers their luck."""

    ensemble: Ensemble
    body: Any
    subject: Int[Array, " P"]


class Minute(NamedTuple):
    """What holds and what came: settings with leaves [P], value and kind [P, C] (kind 1: measured), time [P] h."""

    settings: Any
    value: Float[Array, "P C"]
    kind: Int[Array, "P C"]
    time: Float[Array, " P"]


def ward_of(twin: BedsideTwin, bodies: Any, subjects: Int[Array, " P"], times_h: Float[Array, " P"]) -> Ward:
    """The ward before any datum: each patient's prior at the given time (h); bodies with leaves [P]."""
    return Ward(_begun(twin.model, twin.settings, twin.key, bodies, subjects, times_h), bodies, subjects)


@program(static=(1,))
def _begun(model: Any, settings: KalmanSettings, key: Array, bodies: Any, subjects: Any, times: Any) -> Ensemble:
    def one(body: Any, subject: Any, t: Any) -> Ensemble:
        return begin(model, settings, key, body, t, subject)

    return jax.vmap(one)(bodies, subjects, times)


def advance_ward(twin: BedsideTwin, ward: Ward, minute: Minute) -> tuple[Ward, Info]:
    """Every twin at its time of ``minute``, with what was measured; Info with an axis of patients.

    Example: ``ward, info = advance_ward(twin, ward, minute)``; ``info.surprise[p]`` says what patient p's twin did not
    expect.
    """
    patients = len(ward.subject)
    cores = min(os.cpu_count() or 1, patients)
    cuts = np.linspace(0, patients, cores + 1).astype(int)
    shares = [slice(a, b) for a, b in pairwise(cuts)]

    def share(part: slice) -> tuple[Ensemble, Info]:
        of = jax.tree.map(lambda leaf: leaf[part], (ward.ensemble, ward.body, ward.subject, minute))
        return jax.block_until_ready(_advanced(twin.model, twin.settings, twin.key, *of))

    with ThreadPoolExecutor(cores) as pool:
        found = list(pool.map(share, shares)) if len(shares) > 1 else [share(shares[0])]
    ensemble, info = jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *found)
    return ward._replace(ensemble=ensemble), info


@program(static=(1,))
def _advanced(
    model: Any, settings: KalmanSettings, key: Array, ensemble: Ensemble, body: Any, subject: Any, minute: Minute
) -> tuple[Ensemble, Info]:
    def one(ensemble: Ensemble, body: Any, subject: Any, minute: Minute) -> tuple[Ensemble, Info]:
        y = Observation(minute.value, minute.kind)
        return update(model, settings, key, subject, ensemble, minute.settings, body, y, minute.time)

    return jax.vmap(one)(ensemble, body, subject, minute)
