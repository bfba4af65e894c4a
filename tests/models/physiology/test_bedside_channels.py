"""Scales of what is measured: an oximeter's step is smaller near full saturation, and nothing leaves its range."""

import jax.numpy as jnp
import numpy as np

from caretwin.models.physiology.bedside_channels import (
    CHANNELS,
    from_oximeter_scale,
    oximeter_scale,
    scaled,
    unscaled,
)

SATURATION = CHANNELS.index("oxygen_saturation")


def test_the_same_error_is_more_percent_of_a_low_saturation_than_of_a_high_one() -> None:
    low, high = (float(from_oximeter_scale(oximeter_scale(s) - 1.0)) - s for s in (86.0, 98.0))
    assert low < high < 0.0
    assert -1.2 < high < -1.0  # at 98 % a step of the scale is a percent


def test_every_scale_has_its_way_back() -> None:
    values = np.full((3, len(CHANNELS)), 70.0)
    values[:, SATURATION] = (60.0, 92.0, 100.0)
    np.testing.assert_allclose(unscaled(scaled(jnp.asarray(values))), values, rtol=1e-9)


def test_no_error_makes_a_saturation_above_100_or_below_0() -> None:
    wide = scaled(jnp.full((1, len(CHANNELS)), 99.0)) + jnp.array([[-200.0], [0.0], [200.0]])
    found = np.asarray(unscaled(wide))[:, SATURATION]
    assert found[0] == 0.0 and found[2] == 100.0 and abs(found[1] - 99.0) < 1e-9
