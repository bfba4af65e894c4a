"""Draws from posteriors without a formula: against NUTS, against the other sampler, and what their diagnostic says."""

import blackjax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.models.pharmacology.plain import dose, history, plain_drug, sample

from caretwin.core.ensemble import covariance, weighted_mean
from caretwin.core.fit import fit, fit_many, posterior
from caretwin.core.fit.objective import objective, to_theta
from caretwin.core.fit.pareto import UNRELIABLE, pareto_k
from caretwin.core.status import Status
from caretwin.models.pharmacology.assembly import dynamics
from caretwin.models.pharmacology.drug_file import load_shipped

DRAWS = 8192


def moments(theta, logw=None):
    logw = jnp.zeros(len(theta)) if logw is None else logw
    return np.asarray(weighted_mean(theta, logw)), np.sqrt(np.diag(np.asarray(covariance(theta, logw))))


def vancomycin():
    # Patient 4 of set C: two levels, three random effects, standard deviations that add.
    drug = load_shipped()["vancomycin.goti2018"]
    doses, samples = [dose(0, 2000, 2), dose(24.2, 1400, 2)], [sample(13, 12), sample(48, 10.5)]
    return dynamics(drug), history(drug, doses, (), samples, {"CRCL": 65, "WT": 70, "DIAL": 0}, rows=8)


def oral():
    # Absorption, volume and clearance from three levels: correlated, and not normal.
    drug = plain_drug(
        {"CL": 4.0, "V1": 70.0, "KA": 1.0},
        omega={"CL": 0.2, "V1": 0.2, "KA": 0.2},
        error="proportional = 0.1",
        absorption="first_order",
    )
    samples = [sample(1.5, 91.3), sample(4.4, 110.8), sample(24.6, 20.7)]
    return dynamics(drug), history(drug, [dose(0, 10000)], (), samples, rows=8)


@pytest.fixture(scope="module", params=[vancomycin, oral], ids=["vancomycin", "oral"])
def case(request):
    model, h = request.param()
    return model, h, fit(model, jax.random.key(1), h, draws=DRAWS)


def nuts(model, h, count=3000):
    """The No-U-Turn sampler of blackjax on the same objective, theta [count, d]; one chain, adapted for 500 steps."""

    def log_density(z):
        return -objective(model, z, h)[0]

    key = jax.random.key(2)
    warmup = blackjax.window_adaptation(blackjax.nuts, log_density)
    (state, parameters), _ = warmup.run(key, jnp.zeros(model.prior.mean.shape[0]), num_steps=500)
    step = blackjax.nuts(log_density, **parameters).step

    def one(state, key):
        state, _ = step(key, state)
        return state, state.position

    _, z = jax.lax.scan(one, state, jax.random.split(jax.random.key(3), count))
    return jax.vmap(lambda one: to_theta(model.prior, one))(z)


@pytest.mark.slow
def test_moments_are_those_of_nuts(case):
    # 3,000 NUTS draws of a smooth posterior hold at least 1,000 independent ones: .1 SD is three standard errors.
    model, h, found = case
    ours, theirs = moments(found.ensemble.theta[...], found.ensemble.logw), moments(nuts(model, h))
    assert np.abs(ours[0] - theirs[0]).max() < 0.1 * theirs[1].max()
    assert (np.abs(ours[0] - theirs[0]) < 0.1 * theirs[1]).all()
    assert ours[1] == pytest.approx(theirs[1], rel=0.1)


def test_the_fallback_sampler_finds_the_same_posterior(case):
    model, h, found = case
    stacked = posterior._stacked([model], [h])
    keys = jax.random.split(jax.random.key(4), 1)
    other = posterior._tempered(*stacked, keys, DRAWS)
    theta = other.theta[0]
    ours, theirs = moments(found.ensemble.theta, found.ensemble.logw), moments(theta, other.logw[0])
    assert (np.abs(ours[0] - theirs[0]) < 0.08 * ours[1]).all()
    assert theirs[1] == pytest.approx(ours[1], rel=0.08)
    assert float(other.log_evidence[0]) == pytest.approx(float(found.log_evidence), abs=0.1)


def spoiled(sampler, times):
    """A sampler whose draws are all the same the first ``times``, and whose weights say so."""
    calls = []

    def narrow(*arguments):
        drawn = sampler(*arguments)
        calls.append(None)
        if len(calls) > times:
            return drawn
        return drawn._replace(pareto_k=jnp.full_like(drawn.pareto_k, 0.9), theta=jnp.zeros_like(drawn.theta))

    return narrow


def test_a_bad_proposal_is_tried_again_along_the_ridges(case, monkeypatch):
    model, h, found = case
    monkeypatch.setattr(posterior, "_importance", spoiled(posterior._importance, times=1))
    again = fit(model, jax.random.key(1), h, draws=DRAWS)
    assert int(again.status) == Status.OK and float(again.pareto_k) < 0.4
    ours, theirs = (
        moments(found.ensemble.theta, found.ensemble.logw),
        moments(again.ensemble.theta, again.ensemble.logw),
    )
    assert (np.abs(ours[0] - theirs[0]) < 0.08 * ours[1]).all()
    assert theirs[1] == pytest.approx(ours[1], rel=0.08)


def test_when_that_is_bad_too_the_fallback_is_used_and_said(case, monkeypatch):
    # What is reported is the k that was too high; what is returned comes from the fallback.
    model, h, found = case
    monkeypatch.setattr(posterior, "_importance", spoiled(posterior._importance, times=2))
    again = fit(model, jax.random.key(1), h, draws=DRAWS)
    assert int(again.status) == Status.FALLBACK_SAMPLER
    assert float(again.pareto_k) == pytest.approx(0.9)
    ours, theirs = (
        moments(found.ensemble.theta, found.ensemble.logw),
        moments(again.ensemble.theta, again.ensemble.logw),
    )
    assert (np.abs(ours[0] - theirs[0]) < 0.08 * ours[1]).all()


def test_a_thin_curved_ridge_is_followed_to_its_ends():
    # One precise level, three effects: a normal around the optimum leaves the crest. Truth by a grid of 71^3 points.
    drug = plain_drug(
        {"CL": 4.0, "V1": 70.0, "KA": 1.0},
        omega={"CL": 0.2, "V1": 0.2, "KA": 0.2},
        error="proportional = 0.05",
        absorption="first_order",
    )
    model, h = dynamics(drug), history(drug, [dose(0, 10000)], (), [sample(24, 55.0)], rows=8)
    found = fit(model, jax.random.key(1), h, draws=DRAWS)
    axis = np.linspace(-4.5, 4.5, 71)
    z = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
    value = jax.jit(lambda z: jax.lax.map(lambda one: objective(model, one, h)[0], z, batch_size=8192))(z)
    mean, sd = moments(z * np.sqrt(0.2), -value)
    ours = moments(found.ensemble.theta, found.ensemble.logw)
    assert int(found.status) == Status.OK and float(found.pareto_k) < 0.4
    assert (np.abs(ours[0] - mean) < 0.06 * sd).all()
    assert ours[1] == pytest.approx(sd, rel=0.05)


@pytest.mark.parametrize("shape", [0.3, 0.5, 0.9, 1.2])
def test_pareto_k_is_the_shape_of_the_tail(shape):
    # Weights U^-k have a Pareto tail of shape k; the fit leans a little towards .5 (its prior).
    draws = -shape * jnp.log(jax.random.uniform(jax.random.key(8), (20_000,)))
    assert float(jax.jit(pareto_k)(draws)) == pytest.approx(shape, abs=0.12)


def test_pareto_k_condemns_a_proposal_that_is_too_narrow():
    z = jax.random.normal(jax.random.key(9), (20_000,))

    def k(width):
        return float(pareto_k(-0.5 * (width * z) ** 2 + 0.5 * z**2))

    assert k(1.0) < UNRELIABLE  # the target itself
    assert k(1.3) < 0.5  # wider than the target
    assert k(0.4) > UNRELIABLE
    assert k(0.2) > k(0.4)


def ward(count):
    """A small model, so that the programs of several batch sizes compile quickly."""
    drug = plain_drug({"CL": 4.0, "V1": 30.0}, omega={"CL": 0.2, "V1": 0.2})
    many = [
        history(drug, [dose(0, 500, 1)], (), [sample(2, 12 + i), sample(12, 4.5 - 0.3 * i)], rows=8)
        for i in range(count)
    ]
    return [dynamics(drug)] * count, many


def fitted(count, order=None):
    models, many = ward(8)
    chosen = order or list(range(count))
    return fit_many(
        [models[i] for i in chosen],
        jax.random.key(1),
        [many[i] for i in chosen],
        subjects=[f"subject {i}" for i in chosen],
        draws=512,
    )


def test_one_more_subject_changes_no_other_by_a_single_bit():
    seven, eight = fitted(7), fitted(8)
    for before, after in zip(jax.tree.leaves(seven), jax.tree.leaves(eight), strict=True):
        assert (np.asarray(before) == np.asarray(after)[:7]).all()


def test_the_order_of_subjects_does_not_matter():
    forward, backward = fitted(8), fitted(8, list(reversed(range(8))))
    for one, other in zip(jax.tree.leaves(forward), jax.tree.leaves(backward), strict=True):
        assert (np.asarray(one) == np.asarray(other)[::-1]).all()


def test_a_subject_fitted_alone_is_the_same_person():
    # Another batch size is another compiled program: equal up to rounding, not bit for bit.
    alone, together = fitted(1, [3]), fitted(8)
    assert np.asarray(alone.mode[0]) == pytest.approx(np.asarray(together.mode[3]), abs=1e-9)
    assert float(alone.log_evidence[0]) == pytest.approx(float(together.log_evidence[3]), abs=1e-9)
    assert np.asarray(alone.ensemble.theta[0]) == pytest.approx(np.asarray(together.ensemble.theta[3]), abs=1e-7)


def test_another_key_gives_other_draws_and_the_same_mode():
    models, many = ward(1)
    one, other = (fit(models[0], jax.random.key(k), many[0], draws=512) for k in (1, 2))
    assert (np.asarray(one.mode) == np.asarray(other.mode)).all()
    assert (np.asarray(one.ensemble.theta) != np.asarray(other.ensemble.theta)).any()


def test_other_patients_of_the_same_sizes_are_not_traced_again(monkeypatch):
    # Every trace runs the model's Python code; a second ward of the same sizes must not run it at all.
    from caretwin.models.pharmacology.kinetics import DrugModel

    traced = []
    original = DrugModel.transition

    def counted(self, *arguments):
        traced.append(1)
        return original(self, *arguments)

    monkeypatch.setenv("CARETWIN_CACHE_DIR", "")  # else an earlier process may have left the traced program
    monkeypatch.setattr(DrugModel, "transition", counted)
    models, many = ward(3)
    names = ["a", "b", "c"]
    fit_many(models, jax.random.key(1), many, subjects=names, draws=256)
    first = len(traced)
    assert first > 0
    other = [h._replace(time=h.time * 1.1) for h in many]
    fit_many(models, jax.random.key(2), other, subjects=["d", "e", "f"], draws=256)
    assert len(traced) == first


def test_models_of_different_structures_are_refused_together():
    first, second = vancomycin(), oral()
    with pytest.raises(ValueError, match="structures"):
        fit_many([first[0], second[0]], jax.random.key(0), [first[1], second[1]], subjects=["a", "b"])


@pytest.mark.parametrize("d", [2, 5, 9])
def test_linear_algebra_written_out_and_from_the_library(d):
    from caretwin.core.fit.newton import cholesky, solve

    rng = np.random.default_rng(d)
    root = rng.standard_normal((d, d))
    matrix, vector = root @ root.T + np.eye(d), rng.standard_normal(d)
    found, positive = solve(jnp.asarray(matrix), jnp.asarray(vector))
    assert bool(positive)
    assert np.asarray(found) == pytest.approx(np.linalg.solve(matrix, vector), rel=1e-10)
    lower, _ = cholesky(jnp.asarray(matrix))
    assert [float(lower[i][i]) for i in range(d)] == pytest.approx(np.diag(np.linalg.cholesky(matrix)), rel=1e-12)
    assert not bool(solve(jnp.asarray(matrix - 100 * np.eye(d)), jnp.asarray(vector))[1])
