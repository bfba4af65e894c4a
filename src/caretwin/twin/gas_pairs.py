"""Two blood gases of one patient and the settings at both: what the twin would have said of the second at the first.

The task: at the first gas the twin has everything received by then; it is told the settings at the second gas, and
only those; it forecasts PaO2, PaCO2 and pH of the second. Settings are those that staff chose, and staff choose with
the patient before their eyes, so the choice itself is evidence: it enters as the data ``oxygenation_chosen`` and
``ventilation_chosen``. That makes the forecast one under the plan that was followed; a what-if, where the setting is
imposed, leaves both out.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from caretwin.core.ensemble_kalman import KalmanSettings, update
from caretwin.core.model import Observation
from caretwin.core.program import program
from caretwin.record.bedside import BedsideRecord
from caretwin.twin.bedside import settings_at, ventilation_was_chosen
from caretwin.twin.bedside_twin import BedsideTwin, Living, follow

GASES = ("arterial_oxygen_pressure", "arterial_carbon_dioxide_pressure", "arterial_ph")
TOLD = {
    "fio2": "fio2",
    "peep": "peep",
    "tidal_volume_set": "tidal_volume",
    "respiratory_rate_set": "rate",
}


class Pairs(NamedTuple):
    """Pairs of consecutive gases, n of them.

    subject, record      [n] identifiers: of the person, and of the record in which the pair lies
    before_h, after_h    [n] hours of that record
    first, second        by channel [n]: gases at both times
    told                 by setting [n]: the settings at the second gas, NaN where not charted
    clean, fio2_changed, breath_changed, ventilation_known   [n]
    """

    subject: np.ndarray
    record: tuple[str, ...]
    before_h: Float[np.ndarray, " n"]
    after_h: Float[np.ndarray, " n"]
    first: Mapping[str, Float[np.ndarray, " n"]]
    second: Mapping[str, Float[np.ndarray, " n"]]
    told: Mapping[str, Float[np.ndarray, " n"]]
    fio2_before: Float[np.ndarray, " n"]
    clean: Bool[np.ndarray, " n"]
    fio2_changed: Bool[np.ndarray, " n"]
    breath_changed: Bool[np.ndarray, " n"]
    ventilation_known: Bool[np.ndarray, " n"]


class PairForecast(NamedTuple):
    """Particles of one forecast, measurement error included: pair number, values [N, 3] in the order of GASES."""

    pair: int
    values: Float[np.ndarray, "N 3"]


def forecast_pairs(
    twin: BedsideTwin, records: Mapping[str, BedsideRecord], pairs: Pairs, *, choice_is_evidence: bool = True
) -> Iterator[PairForecast]:
    """A forecast for every pair, record by record, each with what had been received by its first gas.

    Pairs of which nothing had been received (the first gas lies in no record) are left out.
    """
    for name in dict.fromkeys(pairs.record):
        if name not in records:
            continue
        rows = [i for i in range(len(pairs.record)) if pairs.record[i] == name]
        rows.sort(key=lambda i: pairs.before_h[i])
        asked = [float(pairs.before_h[i]) for i in rows]
        for i, (_, living, _) in zip(rows, follow(twin, records[name], asked), strict=True):
            if living is not None:
                settings = told_settings(records[name], pairs, i, float(living.body.predicted_weight))
                values = gases_ahead(twin, living, settings, float(pairs.after_h[i]), choice_is_evidence)
                yield PairForecast(i, values)


def told_settings(record: BedsideRecord, pairs: Pairs, i: int, predicted_weight: float) -> Any:
    """The settings at the first gas, with what was told of the second."""
    settings, _ = settings_at(record, float(pairs.before_h[i]), predicted_weight)
    known = {field: float(pairs.told[name][i]) for name, field in TOLD.items() if np.isfinite(pairs.told[name][i])}
    if known.get("rate", 0.0) <= 3.0:
        known.pop("rate", None)  # a set rate of 0 is a mode without one
    if known.get("tidal_volume", 0.0) <= 0.15:
        known.pop("tidal_volume", None)
    held = records_setting(record, "tidal_volume_set", float(pairs.before_h[i]))
    if "tidal_volume" in known and float(settings.mode) in (2.0, 3.0):
        # What is delivered may differ from what is set: a change of the set volume changes it in proportion, and a set
        # volume that appears while pressure is controlled says nothing of what is delivered.
        known["tidal_volume"] = float(settings.tidal_volume) * (known["tidal_volume"] / held if held > 0.0 else 1.0)
    if "tidal_volume" in known and float(settings.mode) in (0.0, 4.0):
        known["mode"] = 1.0
    elif "peep" in known and float(settings.mode) == 0.0:
        known["mode"] = 4.0
    return settings._replace(**{field: np.asarray(value) for field, value in known.items()})


def records_setting(record: BedsideRecord, name: str, time_h: float) -> float:
    """The value of a setting that holds at a time; NaN where none was charted."""
    signal = record.settings.get(name)
    return float(signal.held_at(np.array([time_h]))[0]) if signal is not None and len(signal) else float("nan")


def gases_ahead(
    twin: BedsideTwin, living: Living, settings: Any, after_h: float, choice_is_evidence: bool
) -> Float[np.ndarray, "N 3"]:
    """Particles of the three gases at ``after_h`` if ``settings`` hold from now on, as they would be measured."""
    names = twin.model.channel_names
    kind = np.zeros(len(names), dtype=int)
    kind[names.index("oxygenation_chosen")] = int(choice_is_evidence)
    kind[names.index("ventilation_chosen")] = int(choice_is_evidence and ventilation_was_chosen(settings))
    sample = _ahead(
        twin.model, twin.settings, twin.key, living.body, living.ensemble, settings,
        np.ones(len(names)), kind, after_h - living.shift, living.subject,
    )  # fmt: skip
    return np.asarray(sample)[:, [names.index(name) for name in GASES]]


@program(static=(1,))
def _ahead(
    model: Any, settings: KalmanSettings, key: Array, body: Any, ensemble: Any, u: Any, value: Array, kind: Array,
    t: Any,
    subject: Any,
) -> Array:  # fmt: skip
    later, _ = update(model, settings, key, subject, ensemble, u, body, Observation(value, kind), t)
    e = jax.random.normal(jax.random.fold_in(key, 1), (settings.particles, value.shape[0]))

    def measured(theta: Array, x: Any, e: Array) -> Array:
        return model.sample_observation(model.individual(theta, body), x, u, e)

    return jnp.asarray(jax.vmap(measured)(later.theta, later.x, e))
