"""Particles that are nowhere near a datum: replaced, and nobody else."""

import jax.numpy as jnp
import numpy as np
import pytest

from caretwin.core.ensemble_update import Datum, ensemble_after
from caretwin.core.lost_particles import replaced

PRESSURE, ERROR = 80.0, 5.0


def living(count: int = 200) -> np.ndarray:
    return np.random.default_rng(0).normal(PRESSURE, 10.0, count)


def datum(value: float, *, seen: bool = True) -> Datum:
    return Datum(jnp.array([value]), jnp.array([float(seen)]), jnp.array([ERROR**2]))


def stays(expected: np.ndarray, value: float, *, seen: bool = True) -> np.ndarray:
    return np.asarray(replaced(jnp.asarray(expected)[None], datum(value, seen=seen))[0])


def test_nobody_is_replaced_while_all_are_near() -> None:
    everyone = living()
    for value in (40.0, 80.0, 150.0):
        np.testing.assert_array_equal(stays(everyone, value), np.arange(len(everyone)))


def test_the_dead_become_copies_of_the_living_when_a_pressure_is_seen() -> None:
    some = living()
    some[[3, 70, 199]] = -100.0
    chosen = stays(some, 75.0)
    assert (some[chosen] > 0.0).all()
    changed = np.flatnonzero(chosen != np.arange(200))
    np.testing.assert_array_equal(changed, [3, 70, 199])
    assert len(set(chosen[changed])) == 3


def test_a_lonely_particle_stays_when_the_datum_is_on_its_side_or_absent() -> None:
    some = living()
    some[3] = -100.0
    assert stays(some, -60.0)[3] == 3
    assert stays(some, 75.0, seen=False)[3] == 3


def test_a_few_dead_particles_no_longer_keep_the_living_from_following_a_pressure() -> None:
    # 3 % of the ensemble is dead: its logarithm of pressure lies far below, and so does something that only the dead
    # have. Without replacement the living hardly move towards the datum.
    random = np.random.default_rng(1)
    level = random.normal(0.0, 0.15, 200)
    blood = random.normal(0.0, 0.1, 200)
    level[:6], blood[:6] = -2.0, -9.0
    expected = jnp.asarray(level)[None]
    seen = Datum(jnp.array([-0.3]), jnp.ones(1), jnp.array([0.06**2]))
    z = jnp.stack([jnp.asarray(level), jnp.asarray(blood)])
    poisoned = np.asarray(ensemble_after(z, expected, seen))
    chosen, any_lost = replaced(expected, seen)
    assert any_lost
    clean = np.asarray(ensemble_after(z[:, chosen], expected[:, chosen], seen))
    exact = -0.3 * 0.15**2 / (0.15**2 + 0.06**2)
    assert clean[0].mean() == pytest.approx(exact, abs=0.03)  # sampling error of 0.15 / sqrt(200), shrunk by the gain
    assert abs(clean[1].mean()) < 0.1  # nobody's blood is explained by the dead
    assert abs(poisoned[1, 6:].mean()) > 0.3
