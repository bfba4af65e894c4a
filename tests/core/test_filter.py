import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from tests.core import bootstrap_oracle
from tests.core.fragile import fragile, seen
from tests.core.linear_gaussian import pushed_trend
from tests.core.monte_carlo import agree

from caretwin.core.ensemble import covariance, weighted_mean
from caretwin.core.filter import particle_filter, replay
from caretwin.core.history import History
from caretwin.core.model import GaussianPrior, Model, Observation
from caretwin.core.status import Status, sentence, usable
from caretwin.core.tempering import temper

PARTICLES = 1000


def updated(key, observation, model=None, *, subject="7f3c", ensemble=None, **settings):
    """The prior ensemble of a fragile model (or another) and what one observation makes of it."""
    twin = particle_filter(fragile() if model is None else model, particles=PARTICLES, **settings)
    before = twin.init(key, 0.0, 0.0, subject) if ensemble is None else ensemble
    after, info = twin.update(key, before, 0.0, 0.0, observation, 0.0, subject)
    return before, after, info


def assert_all_finite(*trees):
    assert all(bool(jnp.all(jnp.isfinite(leaf))) for leaf in jax.tree.leaves(trees))


# Direction


def test_a_higher_value_raises_the_mean_and_narrows_the_spread(key):
    before, low, _ = updated(key, seen(-1.0))
    _, high, _ = updated(key, seen(1.0))
    assert weighted_mean(low.theta, low.logw) < weighted_mean(high.theta, high.logw)
    assert covariance(high.theta, high.logw) < covariance(before.theta, before.logw)


def test_a_more_precise_value_tells_more(key):
    spreads = []
    for r in (3.0, 1.0, 0.3):
        _, after, _ = updated(key, seen(0.5), fragile(r=r))
        spreads.append(float(covariance(after.theta, after.logw)[0, 0]))
    assert spreads[0] > spreads[1] > spreads[2]


def test_being_told_below_a_limit_lowers_the_mean(key):
    before, after, info = updated(key, seen(-0.5, below=True))
    assert weighted_mean(after.theta, after.logw) < weighted_mean(before.theta, before.logw)
    assert float(info.log_evidence) == pytest.approx(stats.norm.logcdf(-0.5, scale=2**0.5), abs=0.1)


# Surprise


def test_surprise_is_the_two_sided_tail_of_what_was_expected(key):
    for value in (0.1, 1.5, -2.5):  # predictive: normal with variance 1 + 1
        _, _, info = updated(key, seen(value))
        tail = 2 * stats.norm.sf(abs(value), scale=2**0.5)
        allowed = 4 * np.sqrt(tail * (2 - tail) / PARTICLES)  # four standard errors of twice a counted proportion
        assert abs(10 ** -float(info.surprise[0]) - tail) < allowed


def test_surprise_is_per_channel_and_says_nothing_of_what_was_not_seen(key):
    _, _, info = updated(key, seen(None, 9.0))
    assert info.seen.tolist() == [False, True]
    assert info.surprise[0] == 0.0 and info.surprise[1] > 2.9


# Failure is a value


@pytest.mark.parametrize(
    "observation, model, expected",
    [
        (seen(0.3), fragile(), Status.OK),
        (seen(0.5), fragile(r=0.05), Status.TEMPERED),
        (seen(None, 9.0), fragile(), Status.SURPRISING_DATUM),
        (seen(0.3), fragile(breaks_above=0.5), Status.PARTICLES_LOST),
        (seen(50.0), fragile(reach=2.0), Status.DATUM_IMPOSSIBLE),
        (seen(0.3), fragile(breaks_above=-jnp.inf), Status.NON_FINITE),
        (seen(None), fragile(breaks_above=-jnp.inf), Status.NON_FINITE),
        (seen(jnp.nan), fragile(), Status.NON_FINITE),
    ],
    ids=lambda value: value.name if isinstance(value, Status) else "",
)
def test_each_failure_has_its_status_and_leaves_a_usable_ensemble(key, observation, model, expected):
    before, after, info = updated(key, observation, model)
    assert Status(int(info.status)) is expected, sentence(info.status)
    assert_all_finite(after.theta, after.x, after.t, info.ess, info.surprise)
    assert not jnp.any(jnp.isnan(after.logw)) and not jnp.isnan(info.log_evidence)
    assert usable(info.status) == (expected < Status.UNRELIABLE)
    if not usable(info.status):
        assert jnp.array_equal(after.theta, before.theta) and jnp.array_equal(after.logw, before.logw)


def test_an_impossible_datum_has_no_evidence(key):
    assert updated(key, seen(50.0), fragile(reach=2.0))[2].log_evidence == -jnp.inf


def test_lost_particles_have_no_say(key):
    _, after, _ = updated(key, seen(None), fragile(breaks_above=0.5))
    truncated = stats.truncnorm(-np.inf, 0.5).mean()
    assert float(weighted_mean(after.theta, after.logw)[0]) == pytest.approx(truncated, abs=0.1)


def test_without_tempering_a_sharp_surprise_collapses_the_weights_and_says_so(key):
    _, _, info = updated(key, seen(2.5), fragile(r=0.01), stages=1)
    assert Status(int(info.status)) is Status.WEIGHTS_COLLAPSED
    assert info.ess < 10 and info.stages == 1


def test_with_tempering_the_same_datum_gives_the_exact_posterior(key):
    _, after, info = updated(key, seen(2.5), fragile(r=0.01))
    exact_variance = 1 / (1 + 1 / 0.01**2)
    assert info.stages > 3 and info.ess > 0.5 * PARTICLES - 1
    mean = float(weighted_mean(after.theta, after.logw)[0])
    assert abs(mean - 2.5 * exact_variance / 0.01**2) < 0.5 * exact_variance**0.5
    assert float(covariance(after.theta, after.logw)[0, 0]) == pytest.approx(exact_variance, rel=0.4)
    assert float(info.log_evidence) == pytest.approx(stats.norm.logpdf(2.5, scale=1.00005), abs=0.5)


@pytest.mark.parametrize(
    "settings",
    [{"particles": 0}, {"ess_threshold": 1.0}, {"stages": 0}, {"noise_step": 0.0}, {"noise_moves": -1}],
)
def test_settings_outside_their_range_are_refused(settings):
    with pytest.raises(ValueError, match="wanted counts"):
        particle_filter(pushed_trend(), **settings)


def test_every_status_has_a_sentence():
    assert all(sentence(status).endswith(".") for status in Status)
    with pytest.raises(ValueError, match="7"):
        sentence(7)


# Another model and another program


class Volatility(Model):
    """Log volatility, an autoregression; y ~ N(0, exp(x)). Nothing about it is linear or normal in y."""

    prior: GaussianPrior
    carried: jax.Array
    spread: jax.Array

    @property
    def noise_dimension(self):
        return 1

    def individual(self, theta, context):
        return None

    def initial(self, phi, z):
        return z[0]

    def transition(self, phi, x, u, w, dt):
        return jnp.where(dt > 0, self.carried * x + self.spread * w[0], x)

    def predict(self, phi, x, u):
        return jnp.zeros(1)

    def log_observation(self, phi, x, u, y):
        density = -0.5 * (jnp.log(2 * jnp.pi) + x + y.value**2 * jnp.exp(-x))
        return jnp.where(y.kind == 1, density, 0.0)

    def sample_observation(self, phi, x, u, e):
        return jnp.exp(x / 2) * e


def test_a_non_linear_model_agrees_with_the_numpy_bootstrap_filter():
    values = np.array([0.3, -1.2, 2.9, 0.1, -0.4, -6.0, 3.1, 0.2])
    oracle = bootstrap_oracle.many(
        0,
        40,
        1000,
        lambda rng, n: rng.normal(size=(n, 1)),
        lambda rng, x, t: 0.9 * x + 0.5 * rng.normal(size=x.shape),
        lambda x, t: stats.norm.logpdf(values[t], scale=np.exp(x[:, 0] / 2)),
        values,
    )
    prior = GaussianPrior(jnp.zeros(0), jnp.zeros((0, 0)))
    twin = particle_filter(Volatility(prior, jnp.array(0.9), jnp.array(0.5)), particles=1000)
    rows = History(
        jnp.arange(8.0),
        jnp.zeros(8),
        jnp.zeros(8, dtype=int),
        jnp.zeros(8, dtype=int),
        Observation(jnp.array(values)[:, None], jnp.ones((8, 1), dtype=int)),
        jnp.zeros((1, 0)),
    )

    @jax.jit
    def once(key):
        ensemble, info = replay(twin, key, rows, jnp.array(1))
        mean = weighted_mean(ensemble.x, ensemble.logw)
        return jnp.stack([jnp.sum(info.log_evidence), mean, weighted_mean((ensemble.x - mean) ** 2, ensemble.logw)])

    ours = np.asarray(jax.lax.map(once, jax.random.split(jax.random.key(1), 40)))
    difference = ours.mean(axis=0) - oracle.mean(axis=0)
    error = np.sqrt((ours.var(axis=0) + oracle.var(axis=0)) / 40)
    assert np.all(np.abs(difference) < 4 * error), (difference, error)
    assert ours[:, 0].std() < 0.5 and oracle[:, 0].std() < 0.5  # sharp enough for the agreement to mean something


# Tempering on its own: the batch posterior of anything


def test_tempering_from_the_prior_with_metropolis_moves_gives_the_exact_evidence(key):
    """Prior N(0, I) in two dimensions, a datum at (3, 3) with noise 0.1: e^-9 away, and known in closed form."""

    def log_likelihood(theta):
        return jnp.sum(jax.scipy.stats.norm.logpdf(theta, 3.0, 0.1), axis=-1)

    def metropolis(key, theta, ll, power):
        scale = jnp.std(theta, axis=0)

        def once(carry, key):
            theta, ll = carry
            proposing, accepting = jax.random.split(key)
            proposal = theta + scale * jax.random.normal(proposing, theta.shape)
            new = log_likelihood(proposal)
            change = power * (new - ll) - 0.5 * jnp.sum(proposal**2 - theta**2, axis=-1)
            accept = jnp.log(jax.random.uniform(accepting, ll.shape)) < change
            return (jnp.where(accept[:, None], proposal, theta), jnp.where(accept, new, ll)), None

        return jax.lax.scan(once, (theta, ll), jax.random.split(key, 8))[0]

    @eqx.filter_jit
    def run(key):
        theta = jax.random.normal(key, (500, 2))
        return temper(
            jax.random.fold_in(key, 1),
            theta,
            log_likelihood(theta),
            jnp.zeros(500),
            metropolis,
            seen=True,
            threshold=0.5,
            most_stages=40,
        )

    found = jax.lax.map(run, jax.random.split(key, 24))
    exact = 2 * stats.norm.logpdf(3.0, scale=np.sqrt(1.01))
    agree(np.exp(np.asarray(found.log_evidence) - exact), 1.0, sharp=0.1)
    agree(np.asarray(jax.vmap(weighted_mean)(found.particles, found.logw)).mean(axis=1), 3 / 1.01)
    assert jnp.all(found.stages < 40) and jnp.all(found.ess >= 249)
