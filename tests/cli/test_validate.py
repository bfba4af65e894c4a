"""``caretwin validate dosing``: the entries that acceptance reads, and patients that must not stop it."""

import json

import pytest
from click.testing import CliRunner

from caretwin.cli import main
from caretwin.cli.validate import NOT_COMPARABLE, models_for
from caretwin.ingest import measured_sets
from caretwin.twin.registry import family
from tests.review.forecast_patients import patients

KEYS = ("mdpe_prior", "mdape_prior", "mdpe_next", "mdape_next", "coverage90_next")
COUNT, DRAWS = 60, "400"  # the sizes of tests/review, which share these compiled programs


@pytest.fixture(scope="module")
def drawn():
    drug = family("pharmacology").load("phenobarbital.grasela1985")
    return patients(COUNT, 5, drug)


@pytest.fixture(scope="module")
def run(drawn, tmp_path_factory):
    """The command on drawn patients in place of the measured set."""
    out = tmp_path_factory.mktemp("validate") / "results.json"
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(measured_sets.SETS, "phenobarbital", lambda: drawn)
        arguments = ["validate", "dosing", "--set", "phenobarbital", "--json", str(out), "--draws", DRAWS]
        found = CliRunner().invoke(main, arguments, catch_exceptions=False)
    return found, json.loads(out.read_text())


def test_there_is_one_entry_per_model_and_one_for_the_average(run):
    found, entries = run
    assert found.exit_code == 0
    assert [e["model"] for e in entries] == ["phenobarbital.grasela1985", "average"]
    for e in entries:
        assert (e["patients"], e["levels"]) == (COUNT, 4 * COUNT)
        assert all(isinstance(e[key], float) for key in KEYS)
        assert 0 <= e["coverage90_next"] <= 1  # a fraction, not per cent


def test_alone_a_model_is_its_own_average(run):
    model, average = run[1]
    assert all(model[key] == average[key] for key in KEYS)


def test_the_table_says_what_the_entries_say(run):
    found, entries = run
    assert f"/{100 * entries[0]['mdape_next']:.1f}" in found.output
    assert "phenobarbital: 60 patients, 240 measurements" in found.output


def test_a_folder_that_is_not_there_is_an_error_with_a_fix(tmp_path):
    found = CliRunner().invoke(main, ["validate", "dosing", "--json", str(tmp_path / "none" / "x.json")])
    assert found.exit_code == 2
    assert "create it" in found.output


def test_a_mimic_folder_without_tables_says_which_are_missing(tmp_path):
    found = CliRunner().invoke(main, ["validate", "dosing", "--mimic3", str(tmp_path)])
    assert found.exit_code == 1
    assert "fix" in found.output


def test_inr_is_not_compared_with_prothrombin_complex_activity():
    assert "warfarin.xia2024" in NOT_COMPARABLE
    assert [drug.name for drug in models_for("warfarin")] == ["warfarin.funaki2018"]


def test_a_file_or_nothing_where_a_folder_belongs_is_said(tmp_path):
    (tmp_path / "a.csv").write_text("x\n")
    for command, option in (("forecasts", "--clif"), ("ventilation", "--mimic3")):
        found = CliRunner().invoke(main, ["validate", command, option, str(tmp_path / "a.csv")])
        assert found.exit_code == 1 and "a file, not a folder" in found.output
        found = CliRunner().invoke(main, ["validate", command, option, str(tmp_path / "none")])
        assert found.exit_code != 0 and ("no such folder" in found.output or "does not exist" in found.output)
