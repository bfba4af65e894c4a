"""A ward is many twins in one array: each is the twin it would be alone, and data of one are nobody else's."""

import jax
import numpy as np
import pytest

from caretwin.record.bedside import BedsideRecord, Person
from caretwin.twin.bedside import context, settings_at
from caretwin.twin.bedside_twin import bedside_twin
from caretwin.twin.ward import Minute, advance_ward, ward_of

PEOPLE = (Person("a", "male", 60.0, 175.0, 80.0), Person("b", "female", 75.0, 160.0, 62.0))


def ward_and_minute(twin, who, heart_rates):
    bodies = jax.tree.map(lambda *leaves: np.asarray(leaves, np.float32), *(context(PEOPLE[i])[0] for i in who))
    ward = ward_of(twin, bodies, np.array(who), 0.0)
    u, _ = settings_at(BedsideRecord(PEOPLE[0]), 0.0, 70.0)
    u = jax.tree.map(lambda leaf: np.full(len(who), leaf, np.float32), u)
    names = twin.model.channel_names
    value, kind = np.ones((len(who), len(names)), np.float32), np.zeros((len(who), len(names)), int)
    for patient, rate in enumerate(heart_rates):
        if rate is not None:
            value[patient, names.index("heart_rate")], kind[patient, names.index("heart_rate")] = rate, 1
    return ward, Minute(u, value, kind, 1 / 60)


@pytest.fixture(scope="module")
def moved():
    """Two patients together, the second with another heart rate, and the first alone."""
    twin = bedside_twin(particles=40, single=True)
    plans = {
        "together": ((0, 1), (88.0, 70.0)), "other": ((0, 1), (88.0, 130.0)), "alone": ((0,), (88.0,)),
        "unseen": ((0, 1), (88.0, None)),
    }  # fmt: skip
    return {name: advance_ward(twin, *ward_and_minute(twin, *plan)) for name, plan in plans.items()}


def leaves(ward, patient):
    return [np.asarray(leaf[patient]) for leaf in jax.tree.leaves(ward.ensemble._replace(t=None))]


@pytest.mark.slow
def test_a_patient_of_a_ward_is_the_patient_alone(moved):
    for together, alone in zip(leaves(moved["together"][0], 0), leaves(moved["alone"][0], 0), strict=True):
        np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_data_of_one_patient_move_nobody_else(moved):
    for one, other in zip(leaves(moved["together"][0], 0), leaves(moved["other"][0], 0), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(moved["together"][0].ensemble.theta[1], moved["other"][0].ensemble.theta[1])


@pytest.mark.slow
def test_a_twin_without_data_says_nothing_of_surprise_and_stays_single(moved):
    ward, info = moved["unseen"]
    assert not np.asarray(info.seen)[1].any() and np.asarray(info.seen)[0].any()
    assert float(np.asarray(info.surprise)[1].max()) == 0.0
    assert all(leaf.dtype != np.float64 for leaf in leaves(ward, 1) if leaf.ndim)
