"""A bedside twin that lives: it takes in each datum as it becomes known, late or not, and can be asked at any time."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from caretwin.core import luck
from caretwin.core.ensemble import Ensemble
from caretwin.core.ensemble_kalman import KalmanSettings, Past, begin, correct_with_past, move
from caretwin.core.ensemble_update import Datum
from caretwin.core.filter import Info
from caretwin.core.lost_particles import replaced
from caretwin.core.model import MEASURED, Observation
from caretwin.core.program import program
from caretwin.record.bedside import BedsideRecord
from caretwin.twin.bedside import TOGETHER_H, Row, context, rows
from caretwin.twin.registry import family

SETTLE_H = 4.0
"""h before the first datum that the particles get to settle under its settings."""
LONGEST_GAP_H = 48.0
"""h: after a longer silence the twin drifts as if this had passed; it has forgotten what was of that day."""
REMEMBERED = 10
"""Updates whose expectations are kept for results that arrive late."""
USUAL_COUNTS, SCATTER_FORGOTTEN_H, MOST_SURPRISING = 16.0, 15.0, 9.0
"""How a person's own scatter is learnt: the usual counts as much as 16 data, a datum is forgotten in 15 h, and an
artefact says no more than three standard deviations (fitted to CLIF demo stays, see evidence/physiology/forecasts)."""


LEAST_SCATTER, MOST_SCATTER = 0.2, 10.0
"""Of the usual variance: the limits between which a person's own is believed (assumed)."""
SAME_SIDE = 2.0
"""Expected standard deviations: two residuals in a row beyond as much, on one side, are a change and no artefacts
(assumed; artefacts of monitors are rare and know nothing of each other)."""
LASTING_ARTEFACTS = frozenset(
    {
        "oxygen_saturation", "arterial_oxygen_pressure", "arterial_carbon_dioxide_pressure", "arterial_ph",
        "arterial_saturation", "central_venous_saturation", "lactate", "haemoglobin", "creatinine",
    }
)  # fmt: skip
"""Channels whose artefacts come again, so that a second one proves nothing: a finger stays cold, and who drew one
sample from a vein and called it arterial draws the next one there too (both seen in CLIF demo stays)."""


class Scatter(NamedTuple):
    """How far a person's data lay from what was expected: by channel [C], what still counts of it.

    data, squares  how many, and their sum; last  the latest residual

    A square is that of a residual over its expected variance for the usual person; ``last`` is over its expected
    standard deviation at the time.
    """

    data: Float[Array, " C"]
    squares: Float[Array, " C"]
    last: Float[Array, " C"]

    def variance(self) -> Float[Array, " C"]:
        """Over the usual one: the mean of an inverse gamma distribution whose prior counts USUAL_COUNTS data."""
        return jnp.clip((USUAL_COUNTS + self.squares) / (USUAL_COUNTS + self.data), LEAST_SCATTER, MOST_SCATTER)

    def after(self, hours: Array) -> "Scatter":
        """What still counts after so many hours."""
        keep = jnp.exp(-hours / SCATTER_FORGOTTEN_H)
        return Scatter(keep * self.data, keep * self.squares, self.last)

    def with_data(self, residual: Float[Array, " C"], counts: Bool[Array, " C"]) -> "Scatter":
        """With residuals over their expected standard deviation, where they count."""
        square = self.variance() * jnp.minimum(jnp.square(residual), MOST_SURPRISING)
        return Scatter(
            self.data + counts,
            self.squares + jnp.where(counts, square, 0.0),
            jnp.where(counts, residual, self.last),
        )

    def again(self, residual: Float[Array, " C"]) -> Bool[Array, " C"]:
        """Which residuals lie where the one before lay, as artefacts do not."""
        return (jnp.abs(residual) > SAME_SIDE) & (jnp.abs(self.last) > SAME_SIDE) & (residual * self.last > 0.0)


class Living(NamedTuple):
    """A twin at a time: particles, what they expected at the last updates, and the inputs that hold.

    expected [N, L, C] on the channels' scale; times [L] h; shift  h by which the twin's clock runs behind after long
    gaps; scatter  how far this person's data lie from what is expected
    """

    ensemble: Ensemble
    expected: Float[Array, "N L C"]
    times: Float[np.ndarray, " L"]
    settings: Any
    body: Any
    subject: Any
    shift: float
    scatter: Scatter


class BedsideTwin(NamedTuple):
    """The model, how it is filtered, and the key of its luck. Make one with :func:`bedside_twin`."""

    model: Any
    settings: KalmanSettings
    key: Array


def bedside_twin(*, particles: int = 300, passes: int = 1, seed: int = 0, single: bool = False) -> BedsideTwin:
    """A twin of lung, gases and circulation for any record."""
    model = family("physiology").cardiorespiratory()
    return BedsideTwin(model, KalmanSettings(particles, passes, single), jax.random.key(seed))


@program(static=(1,))
def _begun(model: Any, settings: KalmanSettings, key: Array, body: Any, u: Any, t: Any, subject: Any) -> Ensemble:
    ensemble = begin(model, settings, key, body, t - SETTLE_H, subject)
    return move(model, key, subject, ensemble, u, body, t)[0]


@program(static=(1,))
def _stepped(
    model: Any, settings: KalmanSettings, key: Array, body: Any, ensemble: Ensemble, expected: Array, u: Any,
    value: Array, kind: Array, t: Any, late: Any, subject: Any, scatter: Scatter,
) -> tuple[Ensemble, Any, Info, Scatter]:  # fmt: skip
    return assimilated(
        model, settings, key, body, ensemble, expected, u, value, kind, t, late, subject, scatter
    )  # fmt: skip


def assimilated(
    model: Any, settings: KalmanSettings, key: Array, body: Any, ensemble: Ensemble, expected: Array | None, u: Any,
    value: Array, kind: Array, t: Any, late: Any, subject: Any, scatter: Scatter,
) -> tuple[Ensemble, Any, Info, Scatter]:  # fmt: skip
    """The ensemble moved to t (h) and corrected by a datum, what it expected at the last updates, and the scatter.

    expected  [N, L, C] what it expected before, for data that come late; None: nothing comes late
    A pure function, to be compiled into whatever program needs it.
    """
    scatter = scatter.after(t - ensemble.t)
    usual = scatter.variance()
    ensemble = ensemble._replace(x=jax.vmap(lambda x: model.with_unrest(x, usual))(ensemble.x))
    moved, fine = move(model, key, subject, ensemble, u, body, t)
    dtype = moved.theta.dtype
    u, body = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), (u, body))

    def expect(theta: Array, x: Any) -> Array:
        return model.scaled(model.predict(model.individual(theta, body), x, u)).astype(dtype)

    now = jax.vmap(expect)(moved.theta, moved.x)
    error = jax.tree.map(lambda leaf: leaf[0], jax.vmap(model.unrest)(moved.x))
    past = None if expected is None else Past(jnp.concatenate([expected[:, 1:], now[:, None]], axis=1), late)
    y = Observation(value, kind)
    counts = (kind == MEASURED) & (jnp.asarray(late) < 0)
    known = model.scaled(jnp.where(counts, value, 1.0)).astype(dtype)
    noise = model.noise_scale(dtype) ** 2 * error
    beforehand = now[replaced(now.T, Datum(known, counts.astype(dtype), noise))[0]]
    residual = (known - jnp.mean(beforehand, axis=0)) / jnp.sqrt(jnp.var(beforehand, axis=0) + noise)
    sudden = jnp.array([name not in LASTING_ARTEFACTS for name in model.channel_names])
    believed = counts & sudden & scatter.again(residual)
    ensemble, corrected, info = correct_with_past(
        model, settings, moved, u, body, y, past, fine, error, believed=believed
    )
    return ensemble, corrected, info, scatter.with_data(residual, counts)


def born(twin: BedsideTwin, record: BedsideRecord, first: Row) -> Living:
    """The twin of a person before the first datum: the prior, settled under the first settings."""
    body, _ = context(record.person)
    subject = luck.subject_number(record.person.subject)
    ensemble = _begun(twin.model, twin.settings, twin.key, body, first.settings, float(first.time), subject)
    N, C = twin.settings.particles, len(first.value)
    expected = jnp.zeros((N, REMEMBERED, C), ensemble.theta.dtype)
    scatter = Scatter(jnp.zeros(C), jnp.zeros(C), jnp.zeros(C))
    return Living(ensemble, expected, np.full(REMEMBERED, -np.inf), first.settings, body, subject, 0.0, scatter)


def take_in(twin: BedsideTwin, living: Living, row: Row) -> tuple[Living, Info]:
    """The twin after one datum."""
    shift = living.shift + max(row.time - living.shift - float(living.ensemble.t) - LONGEST_GAP_H, 0.0)
    times = np.append(living.times[1:], row.time)
    late = -1
    if row.effective < row.time - 2.0 * TOGETHER_H:
        nearest = int(np.argmin(np.abs(times - row.effective)))
        late = nearest if nearest < REMEMBERED - 1 else -1
    arguments = (living.ensemble, living.expected, row.settings, row.value, row.kind, row.time - shift, late)
    ensemble, expected, info, scatter = _stepped(
        twin.model, twin.settings, twin.key, living.body, *arguments, living.subject, living.scatter
    )
    changed = {"ensemble": ensemble, "expected": expected, "times": times, "settings": row.settings}
    return living._replace(**changed, shift=shift, scatter=scatter), info


def follow(
    twin: BedsideTwin, record: BedsideRecord, asked_h: Sequence[float]
) -> Iterator[tuple[float, Living | None, list[tuple[Row, Info]]]]:
    """The twin at each of the asked times (h, rising): with all that had been received by then, and nothing later.

    Yields (time, twin or None where nothing had been received, the data taken in since the time before with their
    Info).
    """
    waiting = rows(record)
    living, number = None, 0
    for time in asked_h:
        taken: list[tuple[Row, Info]] = []
        while number < len(waiting) and waiting[number].time <= time + 1e-6:
            row = waiting[number]
            living = born(twin, record, row) if living is None else living
            living, info = take_in(twin, living, row)
            taken.append((row, info))
            number += 1
        yield time, living, taken
