"""``caretwin dose`` as a person meets it: mistakes are answered with row, column, what was seen and what to do."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from caretwin.cli import main
from tests.paths import ROOT

GOOD = """# patient: P-1
time,kind,name,value,unit,duration
0,covariate,weight,70,kg,
0,covariate,age,60,years,
0,covariate,sex,male,,
0,covariate,height,175,cm,
0,covariate,creatinine,1.1,mg/dL,
0,covariate,dialysis,no,,
0,covariate,crrt,no,,
0,dose,vancomycin,2000,mg,2 h
13,level,vancomycin,12,mg/L,
24.2,dose,vancomycin,1400,mg,2 h
47,level,vancomycin,10.5,mg/L,
"""


def run(tmp_path, table, *options, drug="vancomycin"):
    path = tmp_path / "patient.csv"
    path.write_text(table, encoding="utf-8")
    arguments = ["dose", str(path), "--drug", drug, "--model", "goti2018", "--no-report", *options]
    return CliRunner().invoke(main, arguments, env={"COLUMNS": "100"})


def with_line(number, text):
    """The good table with another line at a row as a spreadsheet counts it (remarks count)."""
    lines = GOOD.splitlines()
    lines[number - 1] = text
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("row", "line", "column", "seen", "fix"),
    [
        (10, "0,dose,vancomycin,2000,spoons,2 h", "unit", "spoons", "fix"),
        (10, "0,dose,vancomycin,2000,mg,-2 h", "duration", "-2", "correct the sign"),
        (10, "30,dose,vancomycin,2000,mg,2 h", "time", "first dose", "add the earlier doses"),
        (12, "0,dose,vancomycin,2000,mg,2 h", "value", "the same dose", "delete one row"),
        (7, "0,covariate,creatinine,97,mg/dL,", "unit", "97 mg/dL", "write umol/L"),
        (10, "0,dose,vancomycin,25,mg/kg,2 h", "unit", "per body weight", "multiply"),
        (13, "47,level,vancomycin,10.5,,", "unit", "without a unit", "never guesses"),
        (10, "0,dose,vancomycin,many,mg,2 h", "value", "many", "fix"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_its_fix(tmp_path, row, line, column, seen, fix):
    result = run(tmp_path, with_line(row, line))
    assert result.exit_code == 1, result.output
    text = result.output
    assert f"column {column}" in text
    if "first dose" not in seen:  # the level that comes before the moved dose stands in a row of its own
        assert f"row {row}" in text
    assert seen in text and fix in text
    assert "Traceback" not in text


def test_all_mistakes_are_listed_at_once():
    path = ROOT / "examples" / "vancomycin_with_mistakes.csv"
    result = CliRunner().invoke(main, ["dose", str(path), "--drug", "vancomycin", "--no-report"])
    assert result.exit_code == 1
    for words in ("umol/L", "duration", "the same dose", "first dose", "without a unit"):
        assert words in result.output
    assert result.output.count("error    row") >= 5


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--mic", "1;2"], "a number in mg/L"),
        (["--mic", "0.5:0.2,1:0.2"], "add up to 0.4"),
        (["--mic", "-1"], "a number in mg/L"),
        (["--target", "bliss"], "auc24_over_mic"),
        (["--model", "goti1066"], "goti2018"),
        (["--now", "2026-01-01T00:00Z"], "the table counts hours"),
        (["--now", "-5"], "5 h before the first record"),
        (["--json", "nowhere/at/all.json"], "does not exist"),
        (["--horizon", "3"], "24"),
    ],
)
def test_a_command_that_is_not_understood_says_what_would_be(tmp_path, options, words):
    result = run(tmp_path, GOOD, *options)
    assert result.exit_code == 2, result.output
    assert words in " ".join(result.output.split())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_an_answer_that_cannot_be_written_is_still_said(tmp_path):
    result = run(tmp_path, GOOD, "--json", "/dev/full")
    assert result.exit_code == 1
    assert "ADVICE" in result.output and "/dev/full: No space left on device" in result.output


def test_an_unknown_drug(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text(GOOD)
    result = CliRunner().invoke(main, ["dose", str(path), "--drug", "unobtainium"])
    assert result.exit_code == 2 and "vancomycin" in result.output


def test_an_answer_says_everything_that_belongs_to_it(tmp_path):
    out = tmp_path / "a.json"
    result = run(tmp_path, GOOD, "--now", "48", "--json", str(out))
    assert result.exit_code == 0, result.output
    text = " ".join(result.output.split())
    for words in (
        "for patient P-1", "likely to be on target", "90 % interval", "REGIMENS, BEST FIRST", "vancomycin.goti2018",
        "this patient", "NEXT BEST BLOOD SAMPLE", "IF THE CHART IS WRONG", "ASSUMPTIONS", "caretwin advises",
    ):  # fmt: skip
        assert words in text, words
    assert "\x1b" not in result.output  # no colour codes in a pipe
    assert max(map(len, result.output.splitlines())) <= 100
    content = json.loads(out.read_text())
    assert content["patient"]["id"] == "P-1"
    assert len(content["provenance"]["source_sha256"]) == 64
    assert not (tmp_path / "patient.vancomycin.html").exists()


def test_weight_in_pounds_is_warned_about_and_not_dropped(tmp_path):
    result = run(tmp_path, with_line(3, "0,covariate,weight,200,kg,"), "--now", "48")
    assert "row 3" in result.output and "pounds" in result.output


def test_silence_has_a_status_of_its_own_and_says_what_to_do(tmp_path):
    result = run(tmp_path, with_line(9, "0,covariate,crrt,yes,,"))
    assert result.exit_code == 3, result.output
    text = " ".join(result.output.split())
    assert "NO ADVICE" in text and "renal replacement" in text and "What you could do" in text


def test_the_time_of_the_question_is_said(tmp_path):
    result = run(tmp_path, with_line(9, "0,covariate,crrt,yes,,"))
    assert "the last record of the table" in " ".join(result.output.split())


def test_the_effect_in_the_table_decides_which_models_come_first():
    from caretwin.cli.dose_input import by_effect
    from caretwin.twin.registry import family

    path = str(ROOT / "examples" / "warfarin_start.csv")
    assert by_effect(path, family("pharmacology").names("warfarin"))[0] == "warfarin.xia2024"


DOSING_TABLES = sorted(
    path for path in (ROOT / "examples").glob("*_*.csv") if not path.name.startswith(("rota_", "ward_", "lab_"))
)


@pytest.mark.parametrize("table", DOSING_TABLES, ids=lambda path: path.stem)
def test_every_example_is_read_or_is_the_one_with_mistakes(table):
    from caretwin.base.errors import CaretwinError
    from caretwin.cli import dose_input as given

    drug = table.stem.split("_")[0]
    if drug in ("two", "bedside"):
        return  # a table of many patients, for `caretwin fit`; a table of the bedside, for `caretwin ventilate`
    names, read = given.models_of(drug, (), ())
    names = given.by_effect(str(table), names)
    if table.stem == "vancomycin_with_mistakes":
        with pytest.raises(CaretwinError):
            given.read_patient(str(table), drug, names, read)
        return
    record = given.read_patient(str(table), drug, names, read)
    assert not record.errors
    assert "Invented" in table.read_text("utf-8").splitlines()[0]


@pytest.mark.parametrize(
    ("number", "line", "expected"),
    [
        (9, "0,dose,vancomycin,2000,mg,90", "90 min or 90 h"),  # minutes, written as a bare number
        (9, "0,dose,vancomycin,1e309,mg,2 h", "a number that can be"),
    ],
)
def test_a_duration_or_an_amount_that_cannot_be_meant_is_refused(tmp_path, number, line, expected):
    answer = run(tmp_path, with_line(number, line))
    assert answer.exit_code == 1 and "row 9" in answer.output
    assert expected in " ".join(answer.output.split())


@pytest.mark.parametrize("option", ["--horizon", "--cost-over", "--cost-under", "--now"])
def test_what_is_no_number_is_a_usage_error(tmp_path, option):
    answer = run(tmp_path, GOOD, option, "nan")
    assert answer.exit_code == 2 and "Traceback" not in answer.output
