"""``caretwin circulate``: a table or a CLIF stay becomes an answer, or a mistake that says what to do."""

import json

import pytest
from click.testing import CliRunner

from caretwin.cli.circulate import command
from tests.paths import ROOT

EXAMPLE = ROOT / "examples" / "bedside_ventilated.csv"


def run(*arguments):
    return CliRunner().invoke(command, [str(a) for a in arguments])


@pytest.mark.slow
def test_a_table_becomes_advice_and_two_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(EXAMPLE, "--norepinephrine", 0.05, "--crystalloid", 500)
    assert result.exit_code == 0, result.output
    content = json.loads((tmp_path / "bedside_ventilated.circulation.json").read_text())
    assert content["format"] == "caretwin.haemodynamics"
    asked = content["tried"][1]
    assert asked["change"] == {"norepinephrine_ug_per_kg_per_min": 0.05, "crystalloid_L": 0.5}
    assert asked["p_under_target"] + asked["p_in_target"] + asked["p_over_target"] == pytest.approx(1.0, abs=1e-4)
    assert 0.0 <= content["preload_responsiveness"]["p_leg_raise"] <= 1.0
    page = (tmp_path / "bedside_ventilated.circulation.html").read_text()
    assert "http" not in page.replace("http://www.w3.org", "")  # opens anywhere: nothing is fetched
    assert "advises" in result.output


@pytest.mark.slow
def test_an_old_pressure_gets_no_advice_and_exit_status_3(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(EXAMPLE, "--at", 14, "--no-report")
    assert result.exit_code == 3, result.output
    assert "the last arterial pressure is 2.0 h old" in " ".join(result.output.split())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("--norepinephrine", "8"), 1, "ug/kg/min"),
        (("--norepinephrine", "-0.1"), 1, "ug/kg/min"),
        (("--crystalloid", "5000"), 1, "at most 2000"),
        (("--set", "vasopressin=2"), 2, "no checked model of it here"),
        (("--low", "75"), 2, "is not above --low"),
        (("--at", "soon"), 2, "--at"),
    ],
)
def test_a_mistake_is_named_with_its_remedy(arguments, status, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(EXAMPLE, *arguments)
    assert result.exit_code == status, result.output
    assert said in result.output
    assert not list(tmp_path.iterdir())
