"""A dosing record says what was known, when it was known, and how sure the doses are."""

import pytest

from caretwin.record.dosing import CovariateValue, Dose, DoseHistory, DosingRecord, Level
from caretwin.record.finding import Finding


def record(**changes: object) -> DosingRecord:
    values: dict = {
        "subject": "a",
        "doses": (Dose(0.0, 1000.0, "mg", 1.0), Dose(12.0, 1000.0, "mg", 1.0)),
        "levels": (Level(11.5, 14.8, "mg/L"), Level(23.5, 16.0, "mg/L", received_h=26.0)),
        "covariates": (CovariateValue("SCR", 24.0, 1.4, "mg/dL"), CovariateValue("SCR", 0.0, 1.1, "mg/dL")),
    }
    return DosingRecord(**(values | changes))


def test_a_level_is_unknown_until_the_laboratory_has_sent_it() -> None:
    assert [level.value for level in record().known_by(24.0).levels] == [14.8]
    assert [level.value for level in record().known_by(26.0).levels] == [14.8, 16.0]


def test_the_planned_doses_stay_when_the_future_is_hidden() -> None:
    assert record().known_by(1.0).doses == record().doses
    assert record().known_by(1.0).covariate("SCR") == (CovariateValue("SCR", 0.0, 1.1, "mg/dL"),)


def test_covariate_values_come_in_order_of_time_and_an_unrecorded_one_is_absent() -> None:
    assert [value.value for value in record().covariate("SCR")] == [1.1, 1.4]
    assert record().covariate("WT") == ()


def test_certain_doses_are_one_history_of_weight_one() -> None:
    (history,) = record().histories()
    assert history.doses == record().doses
    assert history.weight == 1.0


def test_weights_of_alternative_histories_sum_to_one_and_keep_their_ratio() -> None:
    alternatives = (
        DoseHistory((Dose(0.0, 500.0),), 3.0, "low"),
        DoseHistory((Dose(0.0, 1000.0),), 1.0, "high"),
    )
    weights = [history.weight for history in record(alternatives=alternatives).histories()]
    assert weights == pytest.approx([0.75, 0.25])


def test_choosing_a_history_makes_it_the_only_one() -> None:
    alternatives = (DoseHistory((Dose(0.0, 500.0),)), DoseHistory((Dose(0.0, 1000.0),)))
    chosen = record(alternatives=alternatives).with_history(alternatives[1])
    assert chosen.doses == alternatives[1].doses
    assert len(chosen.histories()) == 1


def test_findings_are_sorted_by_what_they_forbid_and_say_all_their_parts() -> None:
    error = Finding("error", 3, "unit", "nothing", "a unit", "write mg")
    warning = Finding("warning", None, None, "two rows alike", "one row per event", "delete one")
    found = record(findings=(warning, error))
    assert found.errors == (error,)
    assert found.warnings == (warning,)
    assert str(error) == "error, row 3, column unit: saw nothing; wanted a unit; fix: write mg"
    assert str(warning).startswith("warning: saw two rows alike")


def test_the_end_of_an_infusion_is_its_start_plus_its_duration() -> None:
    assert Dose(2.0, 100.0, "mg", 1.5).end_h == 3.5
    assert Dose(2.0, 100.0, "mg").end_h == 2.0
