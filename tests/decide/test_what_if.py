"""A what-if joins ventilator, drug and fluid: it says what each would bring, and exactly nothing for no change."""

import numpy as np
import pytest

from caretwin.base.errors import DomainError
from caretwin.decide.bedside_change import applied
from caretwin.decide.what_if import BANDS, MOST, WhatIf, what_if
from tests.decide.bedside_case import bedside

CHANGES = ({"peep": 14.0}, {"norepinephrine": 0.2}, {"peep": 14.0, "norepinephrine": 0.2}, {})
MEDIAN = BANDS.index(0.5)


@pytest.fixture(scope="module")
def answer() -> WhatIf:
    return what_if(bedside(), CHANGES)


def last(answer: WhatIf, plan: int, name: str) -> float:
    """Median paired difference from no change after an hour."""
    return float(answer.tried[plan].difference[-1, answer.names.index(name), MEDIAN])


def test_a_drug_acts_on_pressure_and_the_ventilator_on_oxygen(answer: WhatIf) -> None:
    assert last(answer, 2, "mean_arterial_pressure_mmHg") > 3.0
    assert last(answer, 1, "arterial_oxygen_pressure_mmHg") > 0.0
    assert last(answer, 1, "mean_arterial_pressure_mmHg") < last(answer, 3, "mean_arterial_pressure_mmHg")


def test_both_together_are_one_plan(answer: WhatIf) -> None:
    assert "PEEP 14" in answer.tried[3].words and "norepinephrine 0.2" in answer.tried[3].words
    assert last(answer, 3, "arterial_oxygen_pressure_mmHg") > 0.0
    assert last(answer, 3, "mean_arterial_pressure_mmHg") > 3.0


def test_no_change_differs_by_exactly_nothing(answer: WhatIf) -> None:
    assert answer.tried[0].words == answer.tried[4].words == "no change"
    assert not answer.tried[0].difference.any() and not answer.tried[4].difference.any()
    assert answer.tried[0].chances == answer.tried[4].chances


def test_every_limit_has_its_chance_and_its_words(answer: WhatIf) -> None:
    for one in answer.tried:
        assert one.chances.keys() == answer.limits.keys() >= set(answer.hard)
        assert all(0.0 <= chance <= 1.0 for chance in one.chances.values())
        assert np.all(np.diff(one.bands, axis=-1) >= 0.0)


def test_what_is_far_from_what_was_seen_is_told_and_not_hidden() -> None:
    (_, far) = what_if(bedside(), [{"peep": 30.0, "norepinephrine": 1.5}]).tried
    assert len(far.refused) == 2


def test_nobody_who_breathes_alone_has_a_ventilator_to_change() -> None:
    alone = bedside()._replace(settings=applied(bedside().settings, {})._replace(mode=np.asarray(0.0)))
    with pytest.raises(DomainError, match="ventilator"):
        what_if(alone, [{"peep": 10.0}])
    assert len(what_if(alone, [{"norepinephrine": 0.1}]).tried) == 2


@pytest.mark.parametrize("wrong", [{"dobutamine": 1.0}, {"peep": 200.0}, {"norepinephrine": float("nan")}])
def test_what_cannot_be_set_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(DomainError):
        what_if(bedside(), [wrong])
    with pytest.raises(DomainError, match="at most"):
        what_if(bedside(), [{}] * (MOST + 1))
