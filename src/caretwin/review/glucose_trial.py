"""A virtual trial of the glucose advice: patients who are simulated, treated by what the twin advises, and counted.

The patients are ours: their insulin sensitivity wanders as the population of the model says, their feed is charted,
they come with a glucose of at least 8 mmol/L, and nobody knows their parameters but the simulation. The twin sees a
meter's values at the times that it asked for. Published trials treated other virtual patients (STAR's came from
recorded stays), so the figures stand side by side and are no comparison of protocols on equal patients.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from caretwin.base.random import raw_key
from caretwin.core.luck import address, subject_number
from caretwin.core.model import MEASURED, MISSING, Observation
from caretwin.core.program import program
from caretwin.decide.glucose import candidates, choose, judge
from caretwin.decide.glucose_futures import futures
from caretwin.decide.glucose_question import Limits, Question
from caretwin.twin.glucose import INJECTIONS, RATES, begin, glucose_model, update

METER = 1  # channel of the bedside meter
TREATED_ABOVE = 8.0  # mmol/L: where treatment begins, Chase et al., Crit Care 2008;12:R49 (protocol details)
FED_HOURS = 12
CANDIDATES = 64
CHARTED = {"uncharted": np.asarray(0.0)}


@dataclass(frozen=True)
class Cohort:
    """Who is treated; all of it assumed but what has a source, and the population of the model.

    patients     how many
    hours        of treatment each
    feed_goal    glucose of the full feed [mmol/min]: 25 kcal/kg/day at 80 kg, 35 % of it carbohydrate of 4 kcal/g, as
                 with SPRINT (Chase et al., Crit Care 2008;12:R49 and its protocol details)
    first_feed   fraction of the goal that runs before and at the start
    particles    of each twin; futures  of its forward bands
    seed         same seed, same patients with the same luck
    """

    patients: int = 50
    hours: int = 72
    feed_goal: float = 0.675
    first_feed: float = 1.0
    particles: int = 512
    futures: int = 256
    seed: int = 0


class Treated(NamedTuple):
    """One virtual patient.

    glucose      [60 T]  the truth, every minute [mmol/L]
    sensitivity  [T]     L/mU/min
    insulin      [T]     U/h
    feed         [T]     fraction of the goal
    measured     [M]     hours of the measurements
    unsafe       how many decisions found no treatment that was allowed
    """

    glucose: Float[np.ndarray, " M"]
    sensitivity: Float[np.ndarray, " T"]
    insulin: Float[np.ndarray, " T"]
    feed: Float[np.ndarray, " T"]
    measured: tuple[int, ...]
    unsafe: int


def glucose_trial(cohort: Cohort = Cohort(), limits: Limits = Limits(), model: Any = None) -> dict[str, Any]:  # noqa: B008
    """Treat the cohort and count; a dictionary of plain numbers that can be written as JSON.

    Example: ``glucose_trial(Cohort(patients=10, hours=24))["time_in_band_percent"]``.
    """
    return summary(list(treat(cohort, limits, model)), cohort, limits)


def treat(cohort: Cohort, limits: Limits, model: Any = None) -> Iterable[Treated]:
    """One virtual patient after the other; each has luck of its own, whoever the others are."""
    model = glucose_model() if model is None else model
    for number in range(cohort.patients):
        yield treat_one(model, cohort, limits, f"virtual {number}")


def treat_one(model: Any, cohort: Cohort, limits: Limits, subject: str) -> Treated:
    """One virtual patient, treated by the advice hour by hour."""
    truth, learning = raw_key(cohort.seed), raw_key(cohort.seed + 1_000_000)
    theta, x = _born(model, truth, subject_number(subject), np.asarray(cohort.first_feed * cohort.feed_goal))
    ensemble = begin(model, learning, CHARTED, subject, cohort.particles)
    u = {name: 0.0 for name in (*RATES, *INJECTIONS)} | {"enteral_glucose": cohort.first_feed * cohort.feed_goal}
    glucose, sensitivity, given, times, unsafe, due = [], [], [], [], 0, 0
    for hour in range(cohort.hours):
        number = subject_number(subject)
        seen = float(_measured(model, truth, number, x, np.asarray(float(hour))))
        kind = np.array([MISSING, MEASURED if hour == due else MISSING])
        y = Observation(np.array([1.0, seen]), kind)
        ensemble, _ = update(model, learning, ensemble, u, CHARTED, y, float(hour), subject)
        if hour == due:
            times.append(hour)
            chosen = _decided(model, learning, ensemble, u, cohort, limits, subject)
            u = u | {"insulin": chosen.best.insulin, "enteral_glucose": chosen.best.feed}
            due, unsafe = hour + chosen.hours, unsafe + (not chosen.safe)
        x, minutes = _lived(model, truth, number, theta, x, u, np.asarray(float(hour)))
        glucose.append(np.asarray(minutes))
        sensitivity.append(float(np.exp(x.s)))
        given.append((u["insulin"], u["enteral_glucose"] / cohort.feed_goal))
    insulin, feed = np.array(given).T
    return Treated(np.concatenate(glucose), np.array(sensitivity), insulin, feed, tuple(times), unsafe)


def _decided(
    model: Any, key: Array, ensemble: Any, u: Mapping[str, float], cohort: Cohort, limits: Limits, subject: str
) -> Any:
    question = Question(now=float(ensemble.t), feed_goal=cohort.feed_goal, limits=limits)
    tried = candidates(dict(u), question)
    hours, bounds = max(limits.intervals), (limits.severe, limits.low, limits.high)
    found = futures(model, key, ensemble, tried, CHARTED, hours, bounds, subject, particles=cohort.futures)
    return choose(judge(tried, found, question, u["insulin"]), limits)[1]


@program
def _born(model: Any, key: Array, subject: Array, feed: Array) -> tuple[Array, Any]:
    """The first of some people who, fed for half a day without insulin, has come to the glucose at which one treats."""
    who, begin = jax.random.split(address(key, "virtual patient", subject, jnp.zeros(())))
    theta = model.prior.sample(who, CANDIDATES)
    u = dict.fromkeys((*RATES, *INJECTIONS), jnp.zeros(())) | {"enteral_glucose": feed}

    def fed(theta: Array, z: Array) -> Any:
        x = model.initial(model.individual(theta, CHARTED), z)
        held = model.individual(jnp.stack([x.s, x.a]), CHARTED)  # sensitivity stays where it is

        def hour(_: int, x: Any) -> Any:
            return model.transition(held, x, u, jnp.zeros(model.noise_dimension), jnp.ones(()))

        return jax.lax.fori_loop(0, FED_HOURS, hour, x)

    x = jax.vmap(fed)(theta, jax.random.normal(begin, (CANDIDATES, model.noise_dimension)))
    high = x.body.G >= TREATED_ABOVE
    chosen = jnp.where(jnp.any(high), jnp.argmax(high), jnp.argmax(x.body.G))
    return jax.tree.map(lambda leaf: leaf[chosen], (theta, x))


@program
def _measured(model: Any, key: Array, subject: Array, x: Any, hour: Array) -> Array:
    luck = jax.random.normal(address(key, "virtual meter", subject, hour), (2,))
    phi = model.individual(model.prior.mean, CHARTED)
    return model.sample_observation(phi, x, {}, luck)[METER]


@program
def _lived(
    model: Any, key: Array, subject: Array, theta: Array, x: Any, u: Mapping[str, Array], hour: Array
) -> tuple[Any, Array]:
    luck = jax.random.normal(address(key, "virtual hour", subject, hour), (model.noise_dimension,))
    return model.course(model.individual(theta, CHARTED), x, u, luck)


def summary(treated: list[Treated], cohort: Cohort, limits: Limits) -> dict[str, Any]:
    """Counts over all minutes of all patients; medians with quartiles over hours, as the published trials give them."""
    glucose = np.concatenate([t.glucose for t in treated])
    insulin, feed = (np.concatenate([getattr(t, name) for t in treated]) for name in ("insulin", "feed"))
    days = cohort.hours / 24
    per_patient = np.array([np.mean((t.glucose >= limits.low) & (t.glucose <= limits.high)) for t in treated])

    def quartiles(values: np.ndarray) -> list[float]:
        return [round(float(v), 2) for v in np.quantile(values, [0.5, 0.25, 0.75])]

    return {
        "patients": len(treated),
        "hours": cohort.hours,
        "time_in_band_percent": 100 * float(np.mean((glucose >= limits.low) & (glucose <= limits.high))),
        "time_in_band_percent_standard_error": 100 * float(np.std(per_patient) / np.sqrt(len(treated))),
        "time_above_band_percent": 100 * float(np.mean(glucose > limits.high)),
        "time_below_band_percent": 100 * float(np.mean(glucose < limits.low)),
        "time_below_4_percent": 100 * float(np.mean(glucose < 4.0)),
        "time_below_severe_percent": 100 * float(np.mean(glucose < limits.severe)),
        "patients_below_severe_percent": 100 * float(np.mean([t.glucose.min() < limits.severe for t in treated])),
        "glucose_median_quartiles_mmol_L": quartiles(glucose),
        "insulin_median_quartiles_U_h": quartiles(insulin),
        "feed_median_quartiles_percent_of_goal": quartiles(100 * feed),
        "measurements_per_day": float(np.mean([len(t.measured) for t in treated]) / days),
        "decisions_without_allowed_treatment": int(sum(t.unsafe for t in treated)),
        "decisions": int(sum(len(t.measured) for t in treated)),
        "cohort": asdict(cohort),
        "limits": asdict(limits),
    }
