"""A course of doses is the sum of its doses: held against running every dose through the model."""

import numpy as np
import pytest

from caretwin.core.events import GivenDose
from caretwin.decide.outcomes import _adds_up, _Group
from caretwin.decide.regimen import Regimen
from caretwin.decide.superposition import superposition
from caretwin.record.dosing import Dose
from caretwin.twin.dosing import bind
from caretwin.twin.registry import family
from tests.decide.patients import GOTI, person

NOW, HORIZON = 48.0, 168.0
REGIMENS = (
    Regimen(1000.0, 12.0, 1.0),
    Regimen(750.0, 8.0, 1.5, 2000.0, 2.0),
    Regimen(2000.0, 24.0, 24.0, 1500.0, 1.5),  # continuous, right after its loading dose
    Regimen(500.0, 18.0, 0.0),
)


TABLETS = (Dose(0, 250.0, "ug", 0.0), Dose(24.0, 250.0, "ug", 0.0))


@pytest.mark.parametrize(
    ("name", "record"),
    [
        (GOTI, person()),
        ("piperacillin.roberts2010", person({"WT": 70, "CRRT": 0})),  # a lag moves every dose
        ("digoxin.jelliffe2014", person({"WT": 70, "CRCL_BSA": 60}, doses=TABLETS, levels=())),
    ],
)
def test_unit_responses_added_up_equal_every_regimen_simulated_by_itself(name, record):
    twin = bind(family("pharmacology").load(name), record)
    theta = np.random.default_rng(1).standard_normal((8, len(twin.model.prior.mean))) * 0.3
    assert _adds_up(twin, NOW, HORIZON)
    group = _Group([twin], theta[None], NOW, HORIZON, shape=True)
    (added,), (single,) = group.combined(REGIMENS), group.one_by_one(REGIMENS)
    # Ages are rounded to a millionth of a second: where levels rise steeply that is a few parts in 1e9.
    for sum_of_parts, alone in zip(added, single, strict=True):
        whole = sum_of_parts.whole()
        assert whole.level == pytest.approx(alone.whole().level, rel=1e-7, abs=1e-9)
        assert whole.area == pytest.approx(alone.whole().area, rel=1e-7, abs=1e-7)


def test_a_trough_knows_nothing_of_the_dose_given_at_that_moment():
    pushed, infused = superposition([GivenDose(0.0, 5.0, 0.0, 0), GivenDose(12.0, 5.0, 0.0, 0)], np.array([12.0, 12.5]))
    assert not len(infused.row)
    assert list(pushed.row) == [0, 1, 1]
    assert sorted(pushed.age) == [0.5, 12.0, 12.5]


def test_an_infusion_that_has_ended_goes_on_in_the_body_only():
    _, infused = superposition([GivenDose(0.0, 10.0, 2.0, 0)], np.array([1.0, 3.0]))
    assert list(zip(infused.row, infused.age, infused.factor, strict=True)) == [
        (0, 1.0, 5.0),
        (1, 3.0, 5.0),
        (1, 1.0, -5.0),
    ]
