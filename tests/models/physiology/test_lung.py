"""The lung that opens and closes."""

from itertools import pairwise

import jax.numpy as jnp
from hypothesis import given
from hypothesis import strategies as st

from caretwin.models.physiology import lung

INJURED = float(lung.superimposed(jnp.asarray(0.45)))


def test_more_peep_holds_more_open_and_more_plateau_opens_more():
    held = [float(lung.envelope(jnp.asarray(25.0), jnp.asarray(p), 0.0, INJURED).held) for p in (0.0, 5.0, 10.0, 15.0)]
    opened = [float(lung.envelope(jnp.asarray(p), jnp.asarray(10.0), 0.0, INJURED).opened) for p in (15.0, 20.0, 30.0)]
    assert all(low < high for low, high in pairwise(held))
    assert all(low < high for low, high in pairwise(opened))


def test_what_was_opened_stays_open_at_a_pressure_that_would_not_open_it():
    low = lung.envelope(jnp.asarray(18.0), jnp.asarray(10.0), 0.0, INJURED)
    after_recruitment = lung.open_fraction(jnp.asarray(0.95), low, 60.0)
    never_recruited = lung.open_fraction(jnp.asarray(0.0), low, 60.0)
    assert float(after_recruitment) > float(never_recruited) + 0.15


def test_a_healthy_lung_is_lighter_and_stays_open_at_lower_pressure():
    assert float(lung.superimposed(jnp.asarray(0.12))) == lung.HEALTHY_SUPERIMPOSED
    light = lung.envelope(jnp.asarray(16.0), jnp.asarray(5.0), 0.0, lung.HEALTHY_SUPERIMPOSED)
    heavy = lung.envelope(jnp.asarray(16.0), jnp.asarray(5.0), 0.0, lung.INJURED_SUPERIMPOSED)
    assert float(light.held) > float(heavy.held) + 0.15


def test_a_lung_that_is_harder_to_open_opens_less():
    easy, hard = (lung.envelope(jnp.asarray(25.0), jnp.asarray(12.0), s, INJURED).opened for s in (-4.0, 4.0))
    assert float(hard) < float(easy)


@given(before=st.floats(0, 1), plateau=st.floats(0, 60), share=st.floats(0, 1), minutes=st.floats(0, 600))
def test_the_open_fraction_is_a_fraction_and_two_steps_equal_one(before, plateau, share, minutes):
    bounds = lung.envelope(jnp.asarray(plateau), jnp.asarray(share * plateau), 0.0, INJURED)
    once = lung.open_fraction(jnp.asarray(before), bounds, jnp.asarray(minutes))
    half = lung.open_fraction(jnp.asarray(before), bounds, jnp.asarray(minutes / 2))
    twice = lung.open_fraction(half, bounds, jnp.asarray(minutes / 2))
    assert 0.0 <= float(once) <= 1.0
    assert abs(float(once - twice)) < 1e-12
    assert float(bounds.opened) <= float(bounds.held) + 1e-12


def test_over_distension_begins_near_thirty():
    found = [float(lung.stiffening(jnp.asarray(p - 10.0), jnp.asarray(p), 0.45)) for p in (10.0, 20.0, 30.0, 40.0)]
    assert all(low < high for low, high in pairwise(found))
    assert found[0] < 1.05
    assert float(lung.stiffening(jnp.asarray(20.0), jnp.asarray(30.0), 0.14)) < found[2]
    assert float(lung.over_distension(jnp.asarray(20.0))) < 0.1 < 0.5 < float(lung.over_distension(jnp.asarray(31.0)))
