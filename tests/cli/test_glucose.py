"""``caretwin glucose``: a table or a CLIF stay becomes an answer, or a mistake that says what to do."""

import json

import pytest
from click.testing import CliRunner

from caretwin.cli.glucose import command

TABLE = """time,name,value,unit
0,sex,female,
0,insulin,2,U/h
0,enteral_glucose,0.4,mmol/min
0.5,glucose,171,mg/dL
2.5,glucose,9.1,mmol/L
4.5,glucose,8.8,mmol/L
"""


def run(*arguments):
    return CliRunner().invoke(command, [str(a) for a in arguments])


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "woman.csv"
    path.write_text(TABLE)
    return path


def test_a_table_becomes_advice_and_two_files(table, tmp_path):
    result = run(table, "--feed-goal", 0.6)
    assert result.exit_code == 0, result.output
    content = json.loads((tmp_path / "woman.glucose.json").read_text())
    assert content["format"] == "caretwin.glucose"
    assert content["advice"]["next_glucose_in_h"] in (1, 2, 3)
    assert content["patient"]["glucose"][0]["mmol_per_L"] == pytest.approx(171 / 18.016, abs=0.01)
    at = content["advice"]["next_glucose_in_h"] - 1
    assert content["treatments"][0]["p_below_low"][at] <= 0.05
    assert content["treatments"][0]["insulin_U_per_h"] == content["advice"]["insulin_U_per_h"]
    page = (tmp_path / "woman.glucose.html").read_text()
    assert "http" not in page.replace("http://www.w3.org", "")  # opens anywhere: nothing is fetched
    assert content["advice"]["sentence"].split(";")[0].split("(")[0].strip() in page
    assert "advises" in result.output and "measured: " in result.output


def test_an_old_glucose_gets_no_advice_and_exit_status_3(table, tmp_path):
    result = run(table, "--at", 12, "--no-report")
    assert result.exit_code == 3, result.output
    assert "measure first" in " ".join(result.output.split())
    assert not list(tmp_path.glob("*.json"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--now", "yesterday"), "the record counts hours"),
        (("--now", "0.1"), "before the first glucose was known"),
        (("--now", "nan"), "is no time"),
        (("--feed-goal", "155"), "mmol/min"),
        (("--stay", "1"), "leave STAY out"),
        (("--json", "nowhere/a.json"), "its folder does not exist"),
    ],
)
def test_a_mistake_on_the_command_line_is_explained(table, arguments, said):
    result = run(table, *arguments)
    assert result.exit_code in (1, 2)
    assert said in result.output.replace("\n", " ")
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("row", "said"),
    [("1,insulin,-3,U/h", "-3"), ("1,glucose,9.1,", "unit"), ("1,glucose,9.1,kPa", "a pressure")],
)
def test_a_wrong_row_is_located_never_guessed(table, row, said):
    table.write_text(TABLE + row + "\n")
    result = run(table, "--no-report")
    assert result.exit_code == 1
    assert said in result.output
    assert "8" in result.output  # the row, as a spreadsheet counts it


def test_a_glucose_that_nobody_can_have_is_refused_and_shown(table, tmp_path):
    table.write_text(TABLE + "4.4,glucose,9.1,mg/L\n")  # 0.05 mmol/L: the unit is wrong
    result = run(table)
    assert result.exit_code == 0, result.output
    content = json.loads((tmp_path / "woman.glucose.json").read_text())
    assert len(content["patient"]["glucose"]) == 3
    assert any(f["row"] == 8 for f in content["findings"])


def test_a_table_without_glucose_is_an_error(table):
    table.write_text("\n".join(TABLE.splitlines()[:4]) + "\n")
    result = run(table)
    assert result.exit_code == 1
    assert "glucose in blood" in result.output


def test_a_folder_needs_a_stay(tmp_path):
    result = run("demo")
    assert result.exit_code == 2
    assert "name one hospitalisation" in result.output
    result = run(tmp_path)
    assert result.exit_code == 1 and "no table hospitalization" in result.output


@pytest.mark.slow
def test_a_real_stay_is_answered(tmp_path, monkeypatch):
    from caretwin.base.errors import DataError
    from caretwin.ingest.clif.stays import demo_folder

    try:
        folder = demo_folder()
    except DataError:
        pytest.skip("no shared data: the CLIF demo is not installed")
    monkeypatch.chdir(tmp_path)
    result = run(folder, "--stay", "21759936", "--at", "19")
    assert result.exit_code == 0, result.output
    content = json.loads((tmp_path / "21759936.glucose.json").read_text())
    assert content["running"]["insulin_U_per_h"] == pytest.approx(5.11, abs=0.01)
    assert not content["patient"]["feeds_charted"]
    assert any("no feed is charted" in note for note in content["notes"])
