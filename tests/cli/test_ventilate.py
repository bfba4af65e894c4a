"""``caretwin ventilate``: a table or a CLIF stay becomes an answer, or a mistake that says what to do."""

import json

import pytest
from click.testing import CliRunner

from caretwin.cli.ventilate import command
from tests.paths import ROOT

EXAMPLE = ROOT / "examples" / "bedside_ventilated.csv"


def run(*arguments):
    return CliRunner().invoke(command, [str(a) for a in arguments])


@pytest.mark.slow
def test_a_table_becomes_advice_and_two_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(EXAMPLE, "--peep", 14, "--set", "fio2=0.45")
    assert result.exit_code == 0, result.output
    content = json.loads((tmp_path / "bedside_ventilated.ventilation.json").read_text())
    assert content["format"] == "caretwin.ventilation"
    tried = content["settings_tried"]
    assert tried[0]["kind"] == "as now" and tried[1]["change"] == {"peep": 14.0, "fio2": 0.45}
    assert set(tried[1]["p_break"]) >= {"plateau", "saturation", "ph", "arterial", "driving", "power"}
    assert len(tried[1]["readings"]["arterial_ph"]["q50"]) == len(content["minutes"])
    assert len(content["maps"]) == 2
    page = (tmp_path / "bedside_ventilated.ventilation.html").read_text()
    assert "http" not in page.replace("http://www.w3.org", "")  # opens anywhere: nothing is fetched
    assert "advises" in result.output and "lower PEEP table" in result.output
    again = run(EXAMPLE, "--peep", 14, "--set", "fio2=0.45", "--no-report", "--json", "again.json", "--no-maps")
    assert again.exit_code == 0, again.output
    assert (
        json.loads((tmp_path / "again.json").read_text())["settings_tried"] == tried
    )  # the same question, the same answer


@pytest.mark.slow
def test_a_record_without_a_plateau_gets_no_advice_and_exit_status_3(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = [line for line in EXAMPLE.read_text().splitlines() if ",plateau," not in line]
    (tmp_path / "man.csv").write_text("\n".join(lines) + "\n")
    result = run("man.csv", "--no-report", "--no-maps")
    assert result.exit_code == 3, result.output
    assert "no plateau pressure was ever measured" in " ".join(result.output.split())
    assert not list(tmp_path.glob("*.json"))


@pytest.mark.slow
def test_of_whom_nobody_ventilates_no_settings_are_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = ["time,name,value,unit", "0,heart_rate,80,/min", "0,respiratory_rate,14,/min", "0,oxygen_saturation,97,%"]
    (tmp_path / "walker.csv").write_text("\n".join(rows) + "\n")
    unknown = run("walker.csv", "--particles", "50", "--no-report")
    (tmp_path / "charted.csv").write_text("\n".join([*rows, "0,mode,extubated,"]) + "\n")
    alone = run("charted.csv", "--particles", "50", "--no-report")
    for result, says, fix in (
        (unknown, "nothing in the record says that this person is ventilated", "put it in the record: mode"),
        (alone, "this patient is not ventilated at the time of the question", "ask with --at"),
    ):
        said = " ".join(result.output.split())
        assert result.exit_code == 3 and says in said and fix in said
        assert "rate 4/min" not in said and " VT " not in said.lower().partition("no advice")[0].upper()
        assert "secretions" not in said


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("--peep", "200"), 1, "0 to 30 cmH2O"),
        (("--fio2", "40"), 1, "0.40 for 40 %"),
        (("--rate", "-10"), 1, "breaths per minute"),
        (("--vt", "0.42"), 1, "give mL, such as 420"),
        (("--set", "peep"), 2, "NAME=VALUE"),
        (("--set", "flow=30"), 2, "wanted one of"),
        (("--ie", "2"), 2, "no I:E ratio"),
        (("--peep", "10", "--set", "peep=12"), 2, "two values of peep"),
        (("--mode", "hfov"), 2, "wanted one of vc, pc, prvc"),
        (("--peep", "ten"), 2, "is not a number"),
        (("--at", "yesterday"), 2, "--at"),
        (("--at", "-5", "--no-report"), 1, "wanted  vital signs"),
        (("--json", "nowhere/x.json"), 2, "folder does not exist"),
    ],
)
def test_a_mistake_is_named_with_its_remedy(arguments, status, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(EXAMPLE, *arguments)
    assert result.exit_code == status, result.output
    assert said in result.output
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_another_kind_of_breath_needs_its_size(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(EXAMPLE, "--mode", "pc", "--no-report", "--no-maps")
    assert result.exit_code == 1 and "--pressure 15" in result.output


def test_an_answer_never_overwrites_the_record(tmp_path):
    (tmp_path / "man.csv").write_text(EXAMPLE.read_text())
    result = run(tmp_path / "man.csv", "--html", tmp_path / "man.csv")
    assert result.exit_code == 2 and "would be lost" in result.output
    assert (tmp_path / "man.csv").read_text() == EXAMPLE.read_text()


def test_times_are_said_by_the_clock_of_the_ward():
    from caretwin.cli.bedside_input import time_of_question
    from caretwin.ingest.bedside.table import read_bedside_table
    from caretwin.review.bedside_words import moment

    record = read_bedside_table(EXAMPLE)  # its zone is Europe/Zurich, an hour before UTC in March
    assert moment(0.0, record) == "2026-03-02 08:00 Europe/Zurich (hour 0)"
    assert time_of_question("2026-03-02 20:00", record, str(EXAMPLE))[0] == 12.0


def test_an_empty_folder_says_which_table_it_lacks(tmp_path):
    result = run(tmp_path)
    assert result.exit_code == 1 and "no table hospitalization" in result.output


def test_a_folder_needs_a_stay_and_a_table_needs_none(tmp_path):
    assert "neither a file" in run(tmp_path / "none.csv").output
    assert "leave STAY out" in run(EXAMPLE, "123").output
    assert "name one hospitalisation" in run("demo").output
