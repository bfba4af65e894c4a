"""Scales of what is measured: an oximeter's step is smaller near full saturation, and nothing leaves its range."""

import jax.numpy as jnp
import numpy as np
from tests.models.physiology.people import person, settings, settled

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
    values[:, CHANNELS.index("non_aerated_tissue_fraction")] = (0.05, 0.3, 0.7)
    np.testing.assert_allclose(unscaled(scaled(jnp.asarray(values))), values, rtol=1e-9)


def test_no_error_makes_a_saturation_above_100_or_below_0() -> None:
    wide = scaled(jnp.full((1, len(CHANNELS)), 99.0)) + jnp.array([[-200.0], [0.0], [200.0]])
    found = np.asarray(unscaled(wide))[:, SATURATION]
    assert found[0] == 0.0 and found[2] == 100.0 and abs(found[1] - 99.0) < 1e-9


def test_lung_without_gas_on_a_ct_is_as_much_as_in_lung_injury_and_less_under_more_peep() -> None:
    """68 patients at PEEP 5: 13 +- 11 % of the lung weight could be recruited and 24 % could not, so about 37 % held no
    gas (Gattinoni et al., N Engl J Med 2006;354:1775). Their P/F of 200 is a severity near 0.4; the tolerance is their
    standard deviation of what opens."""
    low, high = (settings(peep=peep, tidal_volume=0.45, rate=20.0, fio2=0.6) for peep in (5.0, 15.0))
    healthy, injured = person("healthy"), person("ards", 0.4)
    _, found = settled([(healthy, low), (injured, low), (injured, high)])
    in_health, at_five, at_fifteen = found["non_aerated_tissue_fraction_percent"]
    assert in_health < 15.0 < at_fifteen < at_five - 5.0
    np.testing.assert_allclose(at_five, 37.0, atol=11.0)
