"""Jobs of the bedside twin: a ward by a minute, one patient by an hour, a map of ventilator settings."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

PATIENTS, PARTICLES = 1000, 512


def ward() -> Callable[[], Any]:
    """1,000 patients x 512 particles, advanced by a minute and updated by four vital signs each; single precision."""
    from caretwin.twin.bedside import settings_at
    from caretwin.twin.bedside_twin import bedside_twin
    from caretwin.twin.registry import family
    from caretwin.twin.ward import Minute, advance_ward, ward_of

    twin = bedside_twin(particles=PARTICLES, passes=1, single=True)
    physiology, rng = family("physiology"), np.random.default_rng(0)
    people = [
        physiology.body(
            female=bool(rng.integers(2)),
            age=rng.uniform(20, 90),
            height=rng.uniform(150, 195),
            weight=rng.uniform(45, 130),
        )
        for _ in range(PATIENTS)
    ]
    single = lambda leaves: np.asarray(leaves, dtype=np.float32)  # noqa: E731
    bodies = jax.tree.map(lambda *leaves: single(leaves), *people)
    settings, _ = settings_at(_nobody(), 0.0, 66.0)
    settings = jax.tree.map(lambda leaf: np.full(PATIENTS, leaf, np.float32), settings)
    settings = settings._replace(mode=np.ones(PATIENTS, np.float32), peep=single(rng.uniform(5, 15, PATIENTS)))
    names = twin.model.channel_names
    value, kind = np.ones((PATIENTS, len(names)), np.float32), np.zeros((PATIENTS, len(names)), int)
    for name, mean in {"heart_rate": 85.0, "mean_arterial_pressure": 75.0, "oxygen_saturation": 96.0,
                       "respiratory_rate": 18.0}.items():  # fmt: skip
        i = names.index(name)
        value[:, i], kind[:, i] = mean + rng.standard_normal(PATIENTS), 1
    state = {"ward": ward_of(twin, bodies, np.arange(PATIENTS), 0.0), "hours": 0.0}

    def minute() -> Any:
        state["hours"] += 1 / 60
        datum = Minute(settings, value, kind, state["hours"])
        state["ward"], info = advance_ward(twin, state["ward"], datum)
        return state["ward"], info

    return minute


def one_hour() -> Callable[[], Any]:
    """One patient of a real stay, 500 particles, one hour ahead."""
    from caretwin.decide.bedside_outlook import outlook

    twin, living = _living(500)
    return lambda: outlook(twin, living, [living.settings]).read


def ventilator_map() -> Callable[[], Any]:
    """200 settings x 500 particles x 30 min, read at seven times as the decision reads it."""
    from caretwin.decide.bedside_outlook import MINUTES, outlook

    twin, living = _living(500)
    u = living.settings
    tried = [
        u._replace(mode=np.asarray(1.0), peep=np.asarray(float(peep)), fio2=np.asarray(float(fio2)))
        for peep in np.linspace(5, 18, 10)
        for fio2 in np.linspace(0.3, 1.0, 20)
    ]
    return lambda: outlook(twin, living, tried, MINUTES[:7]).read


def _living(particles: int) -> Any:
    from caretwin.ingest.clif.stays import demo_folder, read_clif
    from caretwin.twin.bedside_twin import bedside_twin, follow

    stay = "27617929"
    twin = bedside_twin(particles=particles)
    (_, living, _), *_ = follow(twin, read_clif(demo_folder(), [stay])[stay], [30.0])
    return twin, living


def _nobody() -> Any:
    from caretwin.record.bedside import BedsideRecord, Person

    return BedsideRecord(Person("nobody"), {}, {}, ())
