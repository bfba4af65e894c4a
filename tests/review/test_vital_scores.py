"""The rules that a forecast of vital signs has to beat: honest, strong, and never fitted on those they judge."""

import numpy as np
import pytest

from caretwin.review.vital_scores import dressed, folds, score
from caretwin.twin.vital_forecasts import Target


def made(count: int = 400, people: int = 20, *, seed: int = 0, knowing: bool = False) -> list[Target]:
    """Heart rates an hour ahead of people whose rate is 80 + level and wanders."""
    draw = np.random.default_rng(seed)
    found = []
    for i in range(count):
        usual = 80.0 + 8.0 * np.sin(i % people)
        last, previous, value = usual + 6.0 * draw.standard_normal(3)
        samples = np.full(50, value) if knowing else usual + 6.0 * draw.standard_normal(50)
        found.append(
            Target(f"stay{i % people}", "heart_rate", 1.0, float(i), 1.0, value, last, previous, usual, samples)
        )
    return found


def test_the_rule_that_knows_the_mean_of_the_day_beats_the_last_value() -> None:
    found = score(made())["heart_rate"]["1"]
    assert found["crps_ar"] < 0.85 * found["crps_persistence"]
    assert found["mae_ar"] < found["mae_persistence"]


def test_knowing_the_answer_scores_nothing_and_covers_all() -> None:
    found = score(made(knowing=True))["heart_rate"]["1"]
    assert found["crps"] == pytest.approx(0.0, abs=1e-12)
    assert found["coverage90"] == 1.0


def test_an_honest_forecast_and_an_honest_rule_cover_what_they_promise() -> None:
    # 2,000 values of a right forecast: standard error 0.7 %; 50 particles cost up to 2 % of coverage.
    found = score(made(2000))["heart_rate"]["1"]
    assert found["coverage90"] == pytest.approx(0.89, abs=0.03)
    assert found["coverage90_ar"] == pytest.approx(0.90, abs=0.03)


def test_a_rule_never_sees_the_person_that_it_judges() -> None:
    y = np.array([1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0, 50.0, 50.0])
    fold = folds([name for name in "abcde" for _ in range(2)])
    found = dressed(np.ones((10, 1)), y, fold)
    assert np.median(found[-1]) < 5.0  # the last person's 50 is not in what judges that person
    assert np.median(found[0]) < 5.0
    assert found[0].max() > 40.0  # and is in the residuals that judge the others


def test_stays_of_one_person_lie_in_one_fold() -> None:
    targets = made()
    person_of = {f"stay{i}": f"person{i // 2}" for i in range(20)}
    person = [person_of[t.subject] for t in targets]
    fold = folds(person)
    assert all(len(set(fold[np.array(person) == one])) == 1 for one in set(person))
    assert score(targets, person_of)["heart_rate"]["1"]["n"] == 400


def test_groups_share_out_every_forecast_and_the_rules_stay_those_fitted_on_all() -> None:
    targets = made()
    group_of = {f"stay{i}": "old" if i % 3 == 0 else "young" for i in range(20)}
    found = score(targets, groups={"age": group_of})
    whole, parts = found["heart_rate"]["1"], [g["heart_rate"]["1"] for g in found["groups"]["age"].values()]
    assert sum(p["n"] for p in parts) == whole["n"] == 400
    for name in ("crps", "crps_ar", "crps_persistence", "coverage90"):
        assert sum(p["n"] * p[name] for p in parts) / 400 == pytest.approx(whole[name])
    assert found["groups"]["age"]["old"]["oxygen_saturation"]["1"] == {"n": 0}


def test_too_few_people_teach_no_rule() -> None:
    assert score(made(40, people=4))["heart_rate"]["1"] == {"n": 40}
