"""What makes a patient breathe."""

import jax.numpy as jnp
import pytest

from caretwin.models.physiology import respiratory_drive as drive

REST = drive.Drive(jnp.zeros(()), jnp.zeros(()))


def after(minutes, pao2=95.0, paco2=40.0, gain=1.0, set_point=40.0):
    return drive.follow(REST, jnp.asarray(pao2), jnp.asarray(paco2), set_point, gain, jnp.asarray(minutes))


# Computed from Ursino & Magosso 2000: 3.63 at rest, 7.2 at (60, 40), 9.9 at (40, 40) spikes/s.
@pytest.mark.parametrize("pao2, paco2, firing", [(95, 40, 3.63), (60, 40, 7.2), (40, 40, 9.9)])
def test_peripheral_chemoreceptors_fire_as_published(pao2, paco2, firing):
    assert float(drive.peripheral_firing(jnp.asarray(pao2), jnp.asarray(paco2))) == pytest.approx(firing, abs=0.08)


def test_carbon_dioxide_and_lack_of_oxygen_raise_rate_and_effort():
    for change in ({"paco2": 50.0}, {"pao2": 45.0}):
        found = after(30.0, **change)
        assert found.rate > 1.0 and found.effort > 1.0


def test_hypocapnia_weakens_the_answer_to_hypoxia_without_ending_it():
    full, weak = (float(drive.peripheral_firing(jnp.asarray(30.0), jnp.asarray(p))) for p in (40.0, 30.0))
    assert drive.RESTING_FIRING < weak < full


def test_the_drive_is_slow_and_sedation_silences_it():
    assert after(1.0, paco2=50.0).rate < 0.3 * after(60.0, paco2=50.0).rate
    assert float(after(60.0, paco2=60.0, gain=0.0).rate) == 0.0


def test_who_retains_carbon_dioxide_breathes_calmly_at_it():
    assert float(after(60.0, paco2=55.0, set_point=55.0).effort) < 0.2 * float(after(60.0, paco2=55.0).effort)


def test_metabolic_acidosis_lowers_the_carbon_dioxide_that_a_person_aims_at_more_than_alkalosis_raises_it():
    shift = lambda excess: float(drive.metabolic_shift(jnp.asarray(excess)))  # noqa: E731
    assert shift(0.0) == 0.0 and shift(-10.0) < -shift(10.0) < 0.0
    assert shift(-60.0) == -drive.LARGEST_SHIFT


def test_who_is_awake_breathes_on_however_low_the_carbon_dioxide():
    assert float(drive.kept_up(jnp.asarray(10.0), jnp.asarray(-30.0))) == 4.0
    assert float(drive.kept_up(jnp.asarray(10.0), jnp.asarray(-3.0))) == 7.0
    assert float(drive.kept_up(jnp.asarray(10.0), jnp.asarray(15.0))) == 25.0
