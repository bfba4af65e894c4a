"""NEWS2: more illness never scores less, what is missing is a range, and the published bands hold at every edge."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretwin.decide.news2 import MOST, news2

VECTORS = Path(__file__).parents[2] / "../shared/reference/scores/NEWS2_boundary_vectors.csv"
WELL = {
    "respiratory_rate": 16.0, "oxygen_saturation": 98.0, "systolic_pressure": 120.0, "heart_rate": 70.0,
    "temperature": 37.0,
}  # fmt: skip
ranges = st.fixed_dictionaries(
    {},
    optional={
        "respiratory_rate": st.floats(2, 60), "oxygen_saturation": st.floats(50, 100),
        "systolic_pressure": st.floats(50, 260), "heart_rate": st.floats(25, 200), "temperature": st.floats(30, 42),
    },
)  # fmt: skip
known = st.sampled_from([True, False, None])


def test_who_is_well_scores_nothing() -> None:
    score = news2(WELL, oxygen=False, alert=True)
    assert (score.low, score.high, score.complete) == (0, 0, True)


def test_nothing_known_can_be_anything() -> None:
    score = news2({})
    assert (score.low, score.high, score.complete) == (0, MOST, False)


@given(ranges, known, known, known)
def test_one_more_measurement_never_widens_the_range(
    values: dict[str, float], oxygen: bool | None, alert: bool | None, scale_2: bool | None
) -> None:
    before = news2(values, oxygen=oxygen, alert=alert, scale_2=scale_2)
    assert 0 <= before.low <= before.high <= MOST
    for name, value in WELL.items():
        if name not in values:
            after = news2({**values, name: value}, oxygen=oxygen, alert=alert, scale_2=scale_2)
            assert before.low <= after.low <= after.high <= before.high
    for said in (True, False):
        after = news2(values, oxygen=said if oxygen is None else oxygen, alert=alert, scale_2=scale_2)
        assert before.low <= after.low <= after.high <= before.high


@pytest.mark.parametrize("name, worse", [("heart_rate", 140.0), ("oxygen_saturation", 88.0), ("temperature", 34.0)])
def test_illness_scores(name: str, worse: float) -> None:
    assert news2({**WELL, name: worse}, oxygen=False, alert=True).low == 3
    assert news2({**WELL, name: worse}, oxygen=False, alert=True).single_three


def test_values_between_the_bands_of_the_chart_are_rounded_half_up() -> None:
    """20.5 is 21 and not, as the computer's even rounding has it, 20; 35.05 is 35.1."""
    assert news2({**WELL, "respiratory_rate": 20.5}, oxygen=False, alert=True).low == 2
    assert news2({**WELL, "temperature": 35.05}, oxygen=False, alert=True).low == 1


def test_the_same_saturation_on_oxygen_is_too_much_on_the_second_scale() -> None:
    high = {**WELL, "oxygen_saturation": 98.0}
    assert news2(high, oxygen=True, alert=True).low == 2
    assert news2(high, oxygen=True, alert=True, scale_2=True).low == 5
    unknown = news2(high, oxygen=True, alert=True, scale_2=None)
    assert (unknown.low, unknown.high) == (2, 5)


@pytest.mark.skipif(not VECTORS.exists(), reason="reference vectors are not beside the project")
def test_every_edge_of_the_published_chart() -> None:
    """Vectors of the field guide's reference folder, checked there against another implementation; exact."""
    rows = list(csv.DictReader(VECTORS.read_text(encoding="utf-8").splitlines()))
    assert len(rows) >= 50
    for row in rows:
        values = {
            "respiratory_rate": float(row["rr"]), "oxygen_saturation": float(row["spo2"]),
            "systolic_pressure": float(row["sbp"]), "heart_rate": float(row["pulse"]),
            "temperature": float(row["temp"]),
        }  # fmt: skip
        score = news2(values, oxygen=row["o2"] == "True", alert=row["acvpu"] == "A", scale_2=row["scale2"] == "True")
        assert score.low == score.high == int(row["total"]), row
