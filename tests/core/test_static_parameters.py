"""A parameter that never changes, learnt from a hundred data: the move step against the conjugate answer."""

from functools import cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.core.linear_gaussian import UnknownMean
from tests.core.monte_carlo import agree

from caretwin.core.ensemble import covariance, weighted_mean
from caretwin.core.filter import particle_filter, replay
from caretwin.core.history import History, pad_rows
from caretwin.core.luck import subject_number
from caretwin.core.model import GaussianPrior, Observation
from caretwin.core.move import LiuWest

COUNT, REPLICATES, PARTICLES = 100, 32, 300
R = 0.3  # noise of one datum; the prior is seven times wider, so that the posterior is where few prior draws are
KEYS = jax.random.split(jax.random.key(8), REPLICATES)
MODEL = UnknownMean(GaussianPrior(jnp.array([1.0]), jnp.array([[2.0]])), jnp.array(R))
VALUES = 2.4 + R * np.random.default_rng(3).normal(size=COUNT)


def conjugate(values=VALUES, r=R):
    """Normal prior, known variance: mean, variance and log evidence."""
    precision = 1 / 2.0**2 + len(values) / r**2
    mean = (1.0 / 2.0**2 + np.sum(values) / r**2) / precision
    return mean, 1 / precision


def log_evidence():
    variance = R**2 * np.eye(COUNT) + 2.0**2
    residual = VALUES - 1.0
    return -0.5 * (
        COUNT * np.log(2 * np.pi) + np.linalg.slogdet(variance)[1] + residual @ np.linalg.solve(variance, residual)
    )


TRACES = []


@eqx.filter_jit
def many(twin, keys, rows, subject):
    TRACES.append(subject)
    return jax.vmap(lambda key: replay(twin, key, rows, subject))(keys)


def history(time, values, kind):
    return History(
        time=jnp.array(time),
        u=jnp.zeros(COUNT),
        between=jnp.zeros(COUNT, dtype=int),
        at=jnp.zeros(COUNT, dtype=int),
        y=Observation(jnp.array(values)[:, None], jnp.array(kind)),
        contexts=jnp.zeros((1, 0)),
    )


@cache
def replicates(discount=0.98):
    rows = history(np.arange(float(COUNT)), VALUES, np.ones((COUNT, 1), dtype=int))
    twin = particle_filter(MODEL, particles=PARTICLES, move=LiuWest(discount))
    return many(twin, KEYS, rows, subject_number("7f3c"))


def test_mean_and_variance_agree_with_the_conjugate_posterior():
    ensemble, _ = replicates()
    mean, variance = conjugate()
    theta = ensemble.theta[..., 0]
    agree(jax.vmap(weighted_mean)(theta, ensemble.logw), mean)
    agree(jax.vmap(weighted_mean)((theta - mean) ** 2, ensemble.logw), variance)


def test_log_evidence_agrees_with_the_conjugate_one():
    _, info = replicates()
    agree(np.exp(np.asarray(info.log_evidence).sum(axis=1) - log_evidence()), 1.0, sharp=0.1)


def test_the_ensemble_stays_alive_with_the_move_and_collapses_without_it():
    """A discount of one moves nothing: then no particle has a value that the prior had not drawn."""

    def distinct(ensemble):
        return np.mean([len(np.unique(theta)) for theta in np.asarray(ensemble.theta[..., 0])])

    def variances(ensemble):
        return np.asarray(jax.vmap(covariance)(ensemble.theta, ensemble.logw))[:, 0, 0] / conjugate()[1]

    with_move, without = replicates()[0], replicates(1.0)[0]
    assert distinct(with_move) == PARTICLES
    assert distinct(without) < 0.05 * PARTICLES
    assert variances(without).std() > 2 * variances(with_move).std()


def test_more_data_leave_less_doubt():
    _, info = replicates()
    assert conjugate()[1] < conjugate(VALUES[:10])[1]
    assert np.all(np.asarray(info.ess) > 10)


def test_conditioning_twice_on_a_datum_is_once_on_half_its_variance_and_not_once():
    for times in (1, 2):
        kind = np.zeros((COUNT, 1), dtype=int)
        kind[:times] = 1  # the first rows stand at one instant and say the same; of the others nothing was seen
        rows = history(np.maximum(np.arange(float(COUNT)) - 1, 0.0), np.full(COUNT, 2.0), kind)
        ensemble, info = many(particle_filter(MODEL, particles=PARTICLES), KEYS, rows, subject_number("7f3c"))
        mean, variance = conjugate(np.array([2.0]), R / times**0.5)
        theta = ensemble.theta[..., 0]
        agree(jax.vmap(weighted_mean)(theta, ensemble.logw), mean)
        agree(jax.vmap(weighted_mean)((theta - mean) ** 2, ensemble.logw), variance)
        assert np.all(np.asarray(info.log_evidence)[:, times:] == 0.0)
    # The two can be told apart: their variances differ by far more than the error just allowed.
    assert conjugate(np.array([2.0]), R)[1] > 1.9 * conjugate(np.array([2.0]), R / 2**0.5)[1]


def test_padding_a_history_changes_nothing():
    """Rows beyond the end repeat the last time, with nothing given and nothing seen."""
    time = np.arange(float(COUNT))
    seen = (time < 60)[:, None].astype(int)
    whole = history(time, VALUES, seen)
    short = jax.tree.map(lambda leaf: leaf[:60], whole._replace(contexts=None))._replace(contexts=whole.contexts)
    padded = jax.tree.map(jnp.asarray, pad_rows(short, COUNT))
    twin = particle_filter(MODEL, particles=PARTICLES)
    ensemble, info = many(twin, KEYS, padded, subject_number("7f3c"))
    unfinished, _ = many(twin, KEYS, whole, subject_number("7f3c"))
    np.testing.assert_array_equal(ensemble.theta, unfinished.theta)
    np.testing.assert_array_equal(ensemble.logw, unfinished.logw)
    assert jnp.all(info.log_evidence[:, 60:] == 0.0) and jnp.all(ensemble.t == 59.0)


def test_another_subject_history_model_or_setting_compiles_nothing_anew():
    replicates()
    before = len(TRACES)
    other = UnknownMean(GaussianPrior(jnp.array([2.0]), jnp.array([[1.0]])), jnp.array(0.5))
    twin = particle_filter(other, particles=PARTICLES, ess_threshold=0.4, stages=3, move=LiuWest(0.95))
    rows = history(np.arange(float(COUNT)) / 7, VALUES + 1, np.ones((COUNT, 1), dtype=int))
    many(twin, jax.random.split(jax.random.key(9), REPLICATES), rows, subject_number(12))
    assert len(TRACES) == before


def particles(count=4000):
    rng = np.random.default_rng(4)
    x = np.exp(rng.normal(size=count)) * 1e3  # skewed, and in a large unit
    theta = np.stack([1 + 0.002 * x + rng.normal(size=count), rng.normal(size=count) * 1e-3], axis=1)
    theta[:, 1] += 3e-4 * theta[:, 0]
    return jnp.array(theta), jnp.array(x)


@pytest.fixture(scope="module")
def moved():
    theta, x = particles()
    keys = jax.random.split(jax.random.key(2), 200)
    return np.asarray(jax.jit(jax.vmap(lambda key: LiuWest(0.9)(key, theta, (x, jnp.arange(4000)))))(keys))


def test_the_move_keeps_mean_covariance_and_covariance_with_the_state(moved):
    theta, x = (np.asarray(part) for part in particles())
    np.testing.assert_allclose(moved.mean(axis=1), np.broadcast_to(theta.mean(axis=0), (200, 2)), rtol=1e-8)
    for i in range(2):
        agree([np.cov(one.T, ddof=0)[i, 1] for one in moved], np.cov(theta.T, ddof=0)[i, 1])
        agree([np.cov(one[:, i], x, ddof=0)[0, 1] for one in moved], np.cov(theta[:, i], x, ddof=0)[0, 1])


def test_the_move_moves_every_particle_and_not_far(moved):
    theta, _ = (np.asarray(part) for part in particles())
    shift = (moved - theta) / theta.std(axis=0)
    assert np.all(np.abs(shift).max(axis=0) > 0)
    a = (3 * 0.9 - 1) / (2 * 0.9)
    assert np.sqrt(np.mean(shift**2)) < np.sqrt(1 - a**2 + (1 - a) ** 2)


@pytest.mark.parametrize("discount", [0.2, 1.01, float("nan")])
def test_a_discount_outside_its_range_is_refused(discount):
    with pytest.raises(ValueError, match="discount"):
        LiuWest(discount)


def test_a_parameter_that_all_particles_share_stays_as_it_is():
    theta = jnp.stack([jnp.arange(20.0), jnp.full(20, 7.0)], axis=1)
    moved = eqx.filter_jit(LiuWest())(jax.random.key(0), theta, jnp.zeros(20))
    np.testing.assert_allclose(moved[:, 1], 7.0)
    assert np.all(np.asarray(moved[:, 0]) != np.arange(20.0))
