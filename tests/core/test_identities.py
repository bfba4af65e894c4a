"""What must hold exactly, with no tolerance to argue about, and what must be compiled once."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.core.linear_gaussian import PushedTrend, pushed_trend
from tests.core.trend_case import CONTEXT

from caretwin.core.filter import particle_filter
from caretwin.core.forecast import counterfactual, forecast, simulate
from caretwin.core.luck import microseconds, process_noise, subject_number
from caretwin.core.model import BELOW_LIMIT, Observation
from caretwin.core.move import LiuWest
from caretwin.core.plan import Do, Plan
from caretwin.core.ward import over_subjects

PARTICLES = 200
GRID = np.arange(1.0, 9.0)
NOTHING = Observation(jnp.zeros(1), jnp.zeros(1, dtype=int))
SUBJECTS = subject_number(np.array([7, 8, 9]))


class Traced(PushedTrend):
    """Counts how often Python runs through it, which is how often a program that contains it is compiled."""

    counts = {}  # noqa: RUF012  shared on purpose

    def predict(self, phi, x, u):
        self.counts["predict"] = self.counts.get("predict", 0) + 1
        return super().predict(phi, x, u)


def traced(q=0.05):
    return Traced(*(getattr(pushed_trend(q=q), name) for name in ("prior", "q", "r")))


def assert_trees_all_equal(a, b):
    for one, other in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture(scope="module")
def twin():
    return particle_filter(traced(), particles=PARTICLES)


@pytest.fixture(scope="module")
def informed(twin):
    """An ensemble with unequal weights, three hours in."""
    key = jax.random.key(1)
    ensemble = twin.init(key, CONTEXT, 0.0, 7)
    datum = Observation(jnp.array([1.0]), jnp.array([BELOW_LIMIT]))
    ensemble, info = twin.update(key, ensemble, {"push": 1.0}, CONTEXT, datum, 3.0, 7)
    assert info.stages == 1 and len(np.unique(ensemble.logw)) > PARTICLES / 2
    return ensemble


def test_a_missing_observation_teaches_nothing(twin, informed, key):
    same, info = twin.update(key, informed, {"push": 0.0}, CONTEXT, NOTHING, 3.0, 7)
    assert_trees_all_equal(same, informed)
    assert info.log_evidence == 0.0 and info.stages == 0
    assert info.surprise.tolist() == [0.0] and info.seen.tolist() == [False]


def test_a_missing_observation_leaves_the_weights_alone_while_time_passes(twin, informed, key):
    later, info = twin.update(key, informed, {"push": 1.0}, CONTEXT, NOTHING, 5.0, 7)
    assert_trees_all_equal((later.theta, later.logw), (informed.theta, informed.logw))
    assert info.log_evidence == 0.0 and later.t == 5.0
    assert jnp.all(later.x.level != informed.x.level) and jnp.var(later.x.level) > jnp.var(informed.x.level)


def test_what_stands_in_a_missing_value_does_not_matter(twin, informed, key):
    strange = Observation(jnp.array([1e6]), jnp.zeros(1, dtype=int))
    one = twin.update(key, informed, {"push": 1.0}, CONTEXT, NOTHING, 5.0, 7)
    other = twin.update(key, informed, {"push": 1.0}, CONTEXT, strange, 5.0, 7)
    assert_trees_all_equal(one, other)


def test_equal_plans_differ_by_exactly_nothing(informed, key):
    plan = Plan((Do("push", 1.0, 3.5, 6.0),))
    again = Plan((Do("push", 1.0, 3.5, 6.0),))
    inputs = {"push": np.zeros(8)}
    a, b = counterfactual(pushed_trend(), key, informed, inputs, plan, again, GRID + 3, context=CONTEXT, subject=7)
    assert_trees_all_equal(a, b)
    assert float(jnp.max(jnp.abs(a.sample - b.sample))) == 0.0


def test_a_forecast_has_the_luck_that_the_filter_will_have(twin, informed, key):
    moved, _ = twin.update(key, informed, {"push": 0.0}, CONTEXT, NOTHING, 4.0, 7)
    found = forecast(traced(), key, informed, {"push": np.zeros(8)}, Plan(), GRID + 3, context=CONTEXT, subject=7)
    np.testing.assert_allclose(
        moved.x.level, found.x.level[:, 0], rtol=1e-12
    )  # two programs: the last digit may differ


def test_luck_belongs_to_the_person_and_the_time(key):
    def noise(subject, hours):
        return process_noise(key, subject_number(subject), jnp.array(hours), 5, 2)

    assert_trees_all_equal(noise("a", 2.0), noise("a", 2.0 + 1e-12))
    assert not np.any(np.asarray(noise("a", 2.0)) == np.asarray(noise("b", 2.0)))
    assert not np.any(np.asarray(noise("a", 2.0)) == np.asarray(noise("a", 3.0)))
    assert microseconds(jnp.array(-0.5)) == -1_800_000_000


def test_luck_is_standard_normal_in_both_precisions(key):
    for dtype in (jnp.float32, jnp.float64):
        w = np.asarray(process_noise(key, subject_number("a"), jnp.array(2.0), 40_001, 5, dtype), float)
        assert w.shape == (40_001, 5) and np.all(np.isfinite(w))
        # Standard errors of mean, variance, fourth moment of 200,005 normal numbers: 0.0022, 0.0032, 0.022; four each.
        assert abs(w.mean()) < 0.009 and abs(w.var() - 1.0) < 0.013 and abs((w**4).mean() - 3.0) < 0.09
        assert np.max(np.abs(np.corrcoef(w.T) - np.eye(5))) < 0.02


def test_one_more_subject_changes_no_other_s_forecast(twin, key):
    ensembles = [twin.init(key, CONTEXT, 0.0, s) for s in SUBJECTS]
    u = {"push": jnp.ones((3, 8))}
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *ensembles)

    def ahead(ensemble, u, subject):
        return simulate(traced(), key, ensemble, u, jnp.array(GRID), CONTEXT, subject)

    run = jax.jit(lambda *a: over_subjects(ahead, *a))
    three = run(stacked, u, SUBJECTS)
    two = run(*jax.tree.map(lambda leaf: leaf[:2], (stacked, u, SUBJECTS)))
    assert_trees_all_equal(jax.tree.map(lambda leaf: leaf[:2], three), two)


def runs(function):
    """How often Python ran through the model during a call."""
    before = Traced.counts.get("predict", 0)
    jax.block_until_ready(eqx.filter(function(), eqx.is_array))
    return Traced.counts.get("predict", 0) - before


def test_another_subject_datum_time_or_parameter_compiles_nothing_anew(key):
    def learn(q, subject, value, t, **settings):
        twin = particle_filter(traced(q), particles=PARTICLES, **settings)
        ensemble = twin.init(key, CONTEXT, 0.0, subject)
        datum = Observation(np.array([value]), np.array([1]))
        return twin.update(key, ensemble, {"push": value}, {"offset": value}, datum, t, subject)

    learn(0.05, "a", 0.0, 1.0)
    assert Traced.counts["predict"] > 0
    assert runs(lambda: learn(0.08, "b", 0.7, 2.5, stages=1, ess_threshold=0.4, move=LiuWest(0.9))) == 0


def test_another_plan_of_another_subject_compiles_nothing_anew(key):
    def ahead(q, subject, start, seed):
        ensemble = particle_filter(traced(q), particles=PARTICLES).init(jax.random.key(seed), CONTEXT, 0.0, subject)
        plan = Plan((Do("push", 1.0, start, start + 1.25),))
        return forecast(traced(q), key, ensemble, {"push": np.zeros(8)}, plan, GRID, context=CONTEXT, subject=subject)

    first = runs(lambda: ahead(0.05, "a", 1.5, 0))
    assert first > 0 or Traced.counts["predict"] > 0
    assert runs(lambda: ahead(0.08, "b", 4.5, 1)) == 0
    assert runs(lambda: ahead(0.08, 12, 2.25, 2)) == 0
