import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretwin.core.resample import systematic

resampled = jax.jit(systematic)


@pytest.mark.parametrize("uniform", [0.0, 1e-12, 0.3, 0.999999999999])
@pytest.mark.parametrize("count", [7, 49, 1000])
def test_equal_weights_change_nothing(count, uniform):
    assert resampled(jnp.full(count, -3.7), uniform).tolist() == list(range(count))


@given(st.lists(st.floats(0, 1), min_size=10, max_size=10), st.floats(0, 1, exclude_max=True))
def test_each_particle_gets_its_share_rounded_down_or_up(shares, uniform):
    shares = np.array(shares) + 1e-3
    shares[3] = 0.0
    shares /= shares.sum()
    with np.errstate(divide="ignore"):
        ancestors = np.asarray(resampled(jnp.array(np.log(shares)), uniform))
    counts = np.bincount(ancestors, minlength=10)
    assert counts[3] == 0, "a particle of weight zero has no descendants"
    assert np.all(np.abs(counts - 10 * shares) < 1 + 1e-9)
    assert np.all(np.diff(ancestors) >= 0)


def test_descendants_are_fair_on_average():
    shares = np.array([0.05, 0.33, 0.0, 0.12, 0.5])
    uniforms = (np.arange(1000) + 0.5) / 1000  # the average over the uniform number, by quadrature
    with np.errstate(divide="ignore"):
        ancestors = jax.vmap(systematic, in_axes=(None, 0))(jnp.log(shares), uniforms)
    counts = np.bincount(np.asarray(ancestors).ravel(), minlength=5) / 1000
    np.testing.assert_allclose(counts, 5 * shares, atol=0.002)  # one step of the quadrature at either end


def test_the_last_particles_without_weight_are_never_chosen():
    logw = jnp.array([0.0, 0.0, -jnp.inf, -jnp.inf])
    assert resampled(logw, 0.9999999999999999).max() == 1
