"""The batch fit where the answer is known: a posterior that is exactly normal, and integrals done by quadrature."""

import jax
import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermegauss
from scipy.stats import multivariate_normal, norm
from tests.models.pharmacology.plain import dose, history, plain_drug, sample

from caretwin.core.ensemble import covariance, weighted_mean
from caretwin.core.events import Series
from caretwin.core.fit import fit
from caretwin.core.history import pad_rows
from caretwin.core.model import ABOVE_LIMIT, BELOW_LIMIT, MISSING, Observation
from caretwin.core.simulate import run
from caretwin.models.pharmacology.assembly import dynamics

DRAWS = 4096
LOG = 'form = "log_additive"\nadditive = 0.3\nunit = "1"'


def moments(found):
    theta, logw = found.ensemble.theta, found.ensemble.logw
    return np.asarray(weighted_mean(theta, logw)), np.asarray(covariance(theta, logw))


def immediately_after(values):
    """Levels drawn right after a bolus of 300 mg into 30 L: ln y = ln 10 - eta + error, linear in eta."""
    return [dose(0, 300, order=1)], [sample(0, y, order=2 + i) for i, y in enumerate(values)]


@pytest.fixture(scope="module")
def linear():
    return plain_drug({"CL": 3.0, "V1": 30.0}, omega={"V1": 0.2}, error=LOG)


def exact_normal(y, omega):
    """Posterior mean and variance of eta, and ln p(y), for ln y_i = ln 10 - eta + 0.3 e_i."""
    r = np.log(10) - np.log(y)
    n, s2 = len(y), 0.09
    precision = 1 / omega + n / s2
    evidence = multivariate_normal(np.zeros(n), s2 * np.eye(n) + omega).logpdf(r) - np.log(y).sum()
    return r.sum() / s2 / precision, 1 / precision, evidence


@pytest.mark.parametrize("weight", [1.0, 0.25])
def test_a_posterior_that_is_normal_is_found_exactly(linear, weight):
    # weight 0.25 is a flattened prior: four times the variance.
    y = np.array([14.0, 9.5, 12.2])
    doses, samples = immediately_after(y)
    found = fit(
        dynamics(linear, prior_weight=weight),
        jax.random.key(0),
        history(linear, doses, (), samples, rows=8),
        draws=DRAWS,
    )
    mean, variance, evidence = exact_normal(y, 0.2 / weight)
    assert found.mode[0] == pytest.approx(mean, abs=1e-9)
    assert found.hessian[0, 0] == pytest.approx(0.2 / weight / variance, rel=1e-9)  # in prior standard deviations
    m, c = moments(found)
    assert m[0] == pytest.approx(mean, abs=4 * np.sqrt(variance / DRAWS))
    assert c[0, 0] == pytest.approx(variance, rel=0.05)
    assert float(found.log_evidence) == pytest.approx(evidence, abs=0.01)
    assert float(found.pareto_k) < 0.5


def test_idle_effects_keep_their_prior(linear):
    # The structure has two parameters and one effect: the second place of theta is padding.
    doses, samples = immediately_after([14.0])
    m, c = moments(fit(dynamics(linear), jax.random.key(0), history(linear, doses, (), samples, rows=8), draws=DRAWS))
    assert m[1] == pytest.approx(0, abs=0.06)
    assert c[1, 1] == pytest.approx(1, rel=0.1)


def test_nothing_measured_leaves_the_prior(linear):
    doses, _ = immediately_after([])
    found = fit(dynamics(linear), jax.random.key(0), history(linear, doses, [4.0], rows=8), draws=DRAWS)
    m, c = moments(found)
    assert float(found.mode[0]) == 0.0
    assert float(found.ofv) == 0.0
    assert m[0] == pytest.approx(0, abs=0.03)
    assert c[0, 0] == pytest.approx(0.2, rel=0.05)
    assert float(found.log_evidence) == pytest.approx(0, abs=0.01)


def test_a_missing_observation_is_no_observation(linear):
    doses, samples = immediately_after([14.0, 9.5])
    whole = history(linear, doses, (), samples, rows=8)
    last = int(np.flatnonzero(whole.y.kind[:, 0])[-1])
    kind = whole.y.kind.copy()
    kind[last] = MISSING
    hidden = whole._replace(y=Observation(whole.y.value, kind))
    nonsense = hidden._replace(y=Observation(np.where(kind == MISSING, 1e9, whole.y.value), kind))
    one, two = (fit(dynamics(linear), jax.random.key(0), h, draws=DRAWS) for h in (hidden, nonsense))
    assert float(one.log_evidence) == float(two.log_evidence)
    assert (np.asarray(one.ensemble.theta) == np.asarray(two.ensemble.theta)).all()


def test_two_equal_data_count_twice_and_not_once(linear):
    once, twice = (
        fit(dynamics(linear), jax.random.key(0), history(linear, *_with(values), rows=8), draws=DRAWS)
        for values in ([14.0], [14.0, 14.0])
    )
    assert float(twice.mode[0]) == pytest.approx(exact_normal(np.array([14.0, 14.0]), 0.2)[0], abs=1e-9)
    assert abs(float(twice.mode[0])) > abs(float(once.mode[0]))


def _with(values):
    doses, samples = immediately_after(values)
    return doses, (), samples


def test_variability_between_occasions_is_shared_out_exactly():
    # ln y_k = ln 10 - eta - kappa_k + 0.3 e: a normal posterior over (eta, kappa_1, kappa_2, kappa_3).
    drug = plain_drug({"CL": 60.0, "V1": 30.0}, omega={"V1": 0.2}, occasion={"V1": 0.1}, error=LOG)
    doses = [dose(100.0 * i, 300, order=10 * i) for i in range(3)]  # nothing is left after 100 h: k = 2/h
    samples = [sample(0, 14.0, order=1), sample(100, 8.0, order=11)]
    marks = Series((0.0, 50.0, 150.0), (0.0, 1.0, 2.0))
    model = dynamics(drug, occasions=3)
    h = history(drug, doses, [210.0], samples, rows=16, occasions=marks)
    found = fit(model, jax.random.key(0), h, draws=DRAWS)
    d = model.effects
    m, c = moments(found)
    design = np.array([[1, 1, 0, 0], [1, 0, 1, 0]], float)
    prior = np.diag([0.2, 0.1, 0.1, 0.1])
    precision = np.linalg.inv(prior) + design.T @ design / 0.09
    expected = np.linalg.solve(precision, design.T @ (np.log(10) - np.log([14.0, 8.0])) / 0.09)
    used = [0, d, d + 1, d + 2]
    assert np.asarray(found.mode)[used] == pytest.approx(expected, abs=1e-8)
    assert m[used] == pytest.approx(expected, abs=0.03)
    assert np.diag(c)[used] == pytest.approx(np.diag(np.linalg.inv(precision)), rel=0.1)
    assert expected[3] == 0  # an occasion without a level: as the population, not as the last occasion


@pytest.fixture(scope="module")
def two():
    return plain_drug(
        {"CL": 4.0, "V1": 30.0},
        omega={"CL": 0.15, "V1": 0.1},
        error='proportional = 0.15\nadditive = 0.3\nunit = "mg/L"',
    )


DOSES = [dose(0, 500, 1)]


def quadrature(model, h, count=60):
    """ln p(y), posterior mean [2] and variance [2] of theta by Gauss-Hermite quadrature over the prior."""
    x, w = hermegauss(count)
    z = np.stack(np.meshgrid(x, x), -1).reshape(-1, 2)
    weight = np.outer(w, w).reshape(-1) / (2 * np.pi)
    theta = z @ np.asarray(model.prior.cholesky).T
    total = jax.vmap(lambda t: run(model, t, h).log_density.sum())(theta)
    joint = np.exp(np.asarray(total)) * weight
    evidence = joint.sum()
    mean = joint @ theta / evidence
    return np.log(evidence), mean, joint @ (theta - mean) ** 2 / evidence


CASES = {
    "two levels": [sample(2, 16.0), sample(12, 4.5)],
    "one below the limit": [sample(2, 16.0), sample(20, 2.0, BELOW_LIMIT)],
    "one above the limit": [sample(2, 20.0, ABOVE_LIMIT), sample(12, 4.5)],
    "only below the limit": [sample(12, 2.0, BELOW_LIMIT)],
}


@pytest.mark.parametrize("case", CASES)
def test_evidence_and_moments_are_those_of_quadrature(two, case):
    model, h = dynamics(two), history(two, DOSES, (), CASES[case], rows=8)
    found = fit(model, jax.random.key(3), h, draws=DRAWS)
    evidence, mean, variance = quadrature(model, h)
    m, c = moments(found)
    assert float(found.log_evidence) == pytest.approx(evidence, abs=0.02)
    assert m == pytest.approx(mean, abs=0.05 * np.sqrt(variance.max()))
    assert np.diag(c) == pytest.approx(variance, rel=0.07)


def test_a_censored_level_is_the_probability_of_being_below(two):
    # M3 (Beal 2001): Phi((LLOQ - f) / sd(f)), here at the typical parameters.
    model = dynamics(two)
    h = history(two, DOSES, (), [sample(20, 2.0, BELOW_LIMIT)], rows=8)
    found = run(model, np.zeros(2), h)
    f = 500 * (np.exp(4 / 30) - 1) / 4 * np.exp(-4 / 30 * 20)
    sd = np.hypot(0.3, 0.15 * f)
    assert float(found.log_density.sum()) == pytest.approx(norm.logcdf((2.0 - f) / sd), rel=1e-9)


def test_padding_changes_nothing(two):
    model, h = dynamics(two), history(two, DOSES, (), CASES["two levels"], rows=8)
    longer = pad_rows(h, 12)
    short, long = (fit(model, jax.random.key(3), one, draws=DRAWS) for one in (h, longer))
    assert np.asarray(short.mode) == pytest.approx(np.asarray(long.mode), abs=1e-12)
    assert float(short.log_evidence) == pytest.approx(float(long.log_evidence), abs=1e-10)
