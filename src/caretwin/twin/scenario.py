"""Computes a scenario: the typical patient, or draws around it, through a timed list of changes.

Deterministic: personal parameters stand at those of the typical patient and do not drift, so that what a table shows
follows from the changes alone. A row shows the moment before what changes at its time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from caretwin.base.errors import DomainError
from caretwin.core.program import program
from caretwin.record.scenario import UNITS, USUAL, VOLUMES, Scenario
from caretwin.twin.registry import family

LONGEST_STEP = 10.0
"""min: transitions are called at most this long; inside, the model takes parts of a minute."""
SETTLING_STEPS = 48
LOST_WITHIN = 60.0
"""min before minute 0 in which a patient of a condition with blood lost has lost it (assumed)."""
TOGETHER = 64
"""Steps in one call of the program: a longer scenario is several calls, a shorter one is filled up with steps of no
length, so that nothing is compiled twice."""
QUANTILES = (0.05, 0.5, 0.95)


@dataclass(frozen=True)
class Course:
    """What a scenario gave.

    minutes  [T]       from the end of settling
    columns  names with units, R of them
    values   [N, T, R] for each of N draws; one, the typical patient, without draws
    """

    minutes: Float[np.ndarray, " T"]
    columns: tuple[str, ...]
    values: Float[np.ndarray, "N T R"]

    def of(self, column: str) -> Float[np.ndarray, "N T"]:
        """One column of every draw, named with its unit (``cardiac_output_L_per_min``)."""
        return self.values[:, :, self.columns.index(column)]


def run(scenario: Scenario, draws: int = 0, seed: int = 0) -> Course:
    """The course of a scenario.

    draws  0: the typical patient alone; otherwise that many patients of the prior around it
    seed   of the draws
    Raises DomainError for a condition or a severity that the physiology family does not know.
    """
    physiology = family("physiology")
    person = scenario.person
    female = person.sex == "female"
    shift = physiology.shift(
        scenario.condition,
        scenario.severity,
        age=person.age_y,
        female=female,
        body_mass=person.weight_kg / (person.height_cm / 100.0) ** 2,
        personal=scenario.personal,
    )
    body = physiology.body(
        female=female, age=person.age_y, height=person.height_cm, weight=person.weight_kg, shift=shift
    )
    model = physiology.cardiorespiratory()
    dimension = len(physiology.personal)
    theta = np.zeros((1, dimension))
    if draws:
        theta = np.random.default_rng(np.random.SeedSequence([seed])).standard_normal((draws, dimension))
    times, shown, inputs = _timeline(scenario)
    lost = physiology.blood_lost(scenario.condition, scenario.severity) * float(physiology.usual_blood(body))
    before = [_settings(physiology, values) for values in _settling(scenario, lost)]
    hours = np.concatenate([np.full(SETTLING_STEPS, scenario.settle_h / SETTLING_STEPS), np.diff(times) / 60.0])
    rows = before + [_settings(physiology, values) for values in inputs]
    x = _beginning(model, theta, body)
    found = []
    for first in range(0, len(rows), TOGETHER):
        part, length = rows[first : first + TOGETHER], np.zeros(TOGETHER)
        length[: len(part)] = hours[first : first + TOGETHER]
        steps = jax.tree.map(lambda *leaves: np.stack(leaves), *part, *part[-1:] * (TOGETHER - len(part)))
        x, values = _course(model, theta, body, x, steps, length)
        found.append(np.asarray(values)[:, : len(part)])
    values = np.concatenate(found, axis=1)[:, SETTLING_STEPS - 1 :]
    return Course(times[shown], tuple(physiology.reading_columns), values[:, shown])


def held(scenario: Scenario, minute: float) -> dict[str, float]:
    """What is set and given just after ``minute``; a change that ended holds no longer."""
    values = {name: USUAL.get(name, 0.0) for name in UNITS} | dict(scenario.start)
    for change in scenario.changes:
        ended = change.lasts_min is not None and minute >= change.at_min + change.lasts_min - 1e-9
        if change.at_min <= minute + 1e-9 and not ended:
            values |= change.values
    return values


def _settling(scenario: Scenario, lost: float) -> list[dict[str, float]]:
    """What holds in each step before minute 0: what is set at first, nothing given, and ``lost`` (L) of blood bled
    evenly in the last hour of it."""
    start = {name: value for name, value in scenario.start.items() if name not in VOLUMES}
    step = scenario.settle_h * 60.0 / SETTLING_STEPS
    if lost > 0.0 and step == 0.0:
        raise DomainError(
            f"settling of a patient with {scenario.condition}",
            seen="0 h",
            wanted="time in which the blood is lost",
            fix='write settle = "1 h" in [run], or take a healthy patient and let the bleeding be a [[change]]',
        )
    if lost <= 0.0:
        return [start] * SETTLING_STEPS
    bleeding = min(max(round(LOST_WITHIN / step), 1), SETTLING_STEPS)
    quiet = [start] * (SETTLING_STEPS - bleeding)
    return quiet + [start | {"bleeding": lost / (bleeding * step)}] * bleeding


def _timeline(scenario: Scenario) -> tuple[Float[np.ndarray, " S1"], np.ndarray, list[dict[str, float]]]:
    """Times of all steps' ends with 0 in front (min), rows of them that are shown, and what holds in each step."""
    rows = np.arange(0.0, scenario.duration_min + 1e-9, scenario.every_min)
    if rows[-1] < scenario.duration_min - 1e-9:
        rows = np.append(rows, scenario.duration_min)
    ends = [c.at_min + c.lasts_min for c in scenario.changes if c.lasts_min is not None]
    between = np.arange(0.0, scenario.duration_min, LONGEST_STEP)
    moments = np.array([c.at_min for c in scenario.changes] + ends)
    moments = moments[moments < scenario.duration_min]
    times = np.unique(np.round(np.concatenate([rows, between, moments]), 6))
    shown = np.searchsorted(times, np.round(rows, 6))
    return times, shown, [held(scenario, t) for t in times[:-1]]


def _settings(physiology: Any, values: Mapping[str, float]) -> Any:
    """Settings of the model; the flow of a fluid is 0 where it is not named."""
    whole = {name: np.asarray(values.get(name, USUAL.get(name, 0.0)), dtype=float) for name in UNITS}
    infusions = physiology.Infusions(**{name: whole.pop(name) for name in physiology.Infusions._fields})
    return physiology.Settings(mode=whole.pop("ventilator_mode"), infusions=infusions, **whole)


@program
def _beginning(model: Any, theta: Float[Array, "N d"], body: Any) -> Any:
    """The state of every draw before anything has settled."""
    quiet = jnp.zeros(model.noise_dimension)
    return jax.vmap(lambda theta: model.initial(model.individual(theta, body), quiet))(theta)


@program
def _course(
    model: Any, theta: Float[Array, "N d"], body: Any, x: Any, steps: Any, hours: Float[Array, " S"]
) -> tuple[Any, Float[Array, "N S R"]]:
    """The state of every draw after all steps, and readings after each."""
    readings = family("physiology").readings
    quiet = jnp.zeros(model.noise_dimension)

    def one(theta: Float[Array, " d"], x: Any) -> tuple[Any, Float[Array, "S R"]]:
        phi = model.individual(theta, body)

        def step(x: Any, row: Any) -> tuple[Any, Float[Array, " R"]]:
            u, dt = row
            x = model.transition(phi, x, u, quiet, dt)
            return x, readings(model, phi, x, u).values

        return jax.lax.scan(step, x, (steps, hours))

    return jax.vmap(one)(theta, x)
