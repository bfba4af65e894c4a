"""Densities become gas, tissue and compartments by arithmetic that can be done by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretwin.ingest.lung_ct.fractions import estimates, region, thirds
from caretwin.ingest.lung_ct.volume import Acquisition, CtVolume
from caretwin.record.imaging import COMPARTMENTS


def ct(values, down="back", voxel_ml=1.0) -> CtVolume:
    array = np.asarray(values, dtype=np.int16)
    array = array.reshape((1,) * (3 - array.ndim) + array.shape)
    return CtVolume(array, np.full((1, 1, 1), voxel_ml), Acquisition((10.0, 10.0, 10.0), 1, down=down), "made")


def everything(volume: CtVolume):
    return np.ones(volume.hounsfield.shape, dtype=bool)


def test_denser_lung_holds_less_gas_and_more_tissue():
    gas = [region(v := ct([hu] * 5), everything(v)).gas_volume_l for hu in (-950, -700, -300, 0)]
    assert gas == sorted(gas, reverse=True)


def test_half_gas_is_half_tissue_by_volume():
    volume = ct([-500] * 10, voxel_ml=2.0)
    found = region(volume, everything(volume))
    assert found.gas_volume_l == pytest.approx(0.010)
    assert found.tissue_mass_g == pytest.approx(10.0)
    assert found.volume_l == pytest.approx(0.020)


# Limits of Gattinoni et al. 2001 and Vieira et al. 1998: a border belongs to the denser side.
@pytest.mark.parametrize(
    "hu, name",
    [(-1000, "over_inflated"), (-901, "over_inflated"), (-900, "normally_aerated"), (-501, "normally_aerated"),
     (-500, "poorly_aerated"), (-101, "poorly_aerated"), (-100, "non_aerated"), (100, "non_aerated")],
)  # fmt: skip
def test_a_voxel_belongs_to_the_compartment_of_its_density(hu, name):
    volume = ct([hu])
    assert region(volume, everything(volume)).of_volume[name] == 1.0


def test_by_mass_dense_lung_counts_more_than_by_volume():
    volume = ct([-900] * 5 + [0] * 5)
    found = region(volume, everything(volume))
    assert found.of_volume["non_aerated"] == pytest.approx(0.5)
    assert found.of_mass["non_aerated"] == pytest.approx(1.0 / 1.1)


def test_enhanced_collapsed_lung_is_lung_without_air():
    volume = ct([-500, 150])
    assert region(volume, everything(volume)).of_volume["non_aerated"] == 0.5


def test_bone_and_metal_are_not_lung():
    volume = ct([-500, -500, 800])
    assert region(volume, everything(volume)).volume_l == pytest.approx(0.002)


def test_nothing_has_no_fractions_rather_than_zero():
    volume = ct([-500])
    empty = region(volume, np.zeros((1, 1, 1), dtype=bool))
    assert empty.volume_l == 0.0
    assert all(np.isnan(share) for share in empty.of_mass.values())


@given(st.lists(st.integers(-1024, 100), min_size=1, max_size=50))
def test_gas_and_tissue_add_up_to_the_volume_and_shares_to_one(values):
    volume = ct(values)
    found = region(volume, everything(volume))
    assert found.gas_volume_l + found.tissue_mass_g / 1000 == pytest.approx(found.volume_l)
    assert sum(found.of_volume.values()) == pytest.approx(1.0)
    if found.tissue_mass_g > 0:
        assert sum(found.of_mass.values()) == pytest.approx(1.0)


@given(st.permutations([-950, -700, -300, 20, 20, -650]))
def test_the_order_of_voxels_does_not_matter(values):
    volume, other = ct(values), ct(sorted(values))
    assert region(volume, everything(volume)) == region(other, everything(other))


def test_voxels_of_unequal_size_count_by_their_size():
    equal = ct([[[-500]], [[0]], [[0]], [[0]]])
    unequal = ct([[[-500]], [[0]]])
    unequal = CtVolume(unequal.hounsfield, np.array([1.0, 3.0])[:, None, None], unequal.acquisition, "made")
    assert region(equal, everything(equal)) == region(unequal, everything(unequal))


@pytest.mark.parametrize("down, axis, order", [("back", 1, 1), ("front", 1, -1), ("left", 2, 1), ("right", 2, -1)])
def test_the_last_third_is_the_one_that_lies_lowest(down, axis, order):
    shape = [1, 1, 1]
    shape[axis] = 9
    values = np.array([-900] * 3 + [-600] * 3 + [0] * 3)[::order].reshape(shape)
    volume = ct(values, down=down)
    layers = thirds(volume, everything(volume))
    assert [round(layer.gas_volume_l * 1000, 3) for layer in layers] == [2.7, 1.8, 0.0]


def test_without_gravity_there_are_no_thirds():
    volume = ct([-500] * 9, down=None)
    assert thirds(volume, everything(volume)) == ()


def test_thirds_add_up_to_the_whole():
    random = np.random.default_rng(2)
    volume = ct(random.integers(-1000, 100, (5, 31, 7)))
    mask = random.random((5, 31, 7)) < 0.5
    whole, layers = region(volume, mask), thirds(volume, mask)
    assert sum(layer.tissue_mass_g for layer in layers) == pytest.approx(whole.tissue_mass_g)
    assert sum(layer.volume_l for layer in layers) == pytest.approx(whole.volume_l)


def test_outlines_that_disagree_widen_the_error_and_the_range_holds_the_best():
    values = [-700] * 10 + [30] * 10
    volume = ct(values)
    masks = [everything(volume).copy() for _ in range(3)]
    masks[0][..., 10:] = False
    masks[1][..., 15:] = False
    _, agreed, _, _ = estimates(volume, (masks[1], masks[1], masks[1]))
    _, fractions, gas, mass = estimates(volume, masks)
    for name in COMPARTMENTS:
        e = fractions[name]
        assert e.low <= e.value <= e.high
        assert e.standard_error >= agreed[name].standard_error
    assert fractions["non_aerated"].low == 0.0
    assert gas.low <= gas.value <= gas.high
    assert mass.low < mass.value < mass.high


def test_lung_near_a_border_is_less_certain_because_the_scale_may_be_off():
    near, far = ct([-895] * 50 + [-905] * 50), ct([-860] * 50 + [-940] * 50)
    errors = [estimates(v, [everything(v)] * 3)[1]["over_inflated"].standard_error for v in (near, far)]
    assert errors[0] > 5 * errors[1]
