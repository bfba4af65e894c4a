"""``caretwin fit`` as a person runs it: what it writes, and what it says when the table or the model is wrong."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from caretwin.cli import main
from tests.paths import ROOT, shared

EXAMPLE = ROOT / "examples" / "two_subjects_nonmem.csv"


def invoke(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    out = tmp_path_factory.mktemp("fit") / "out.json"
    done = invoke("fit", "--drug", "vancomycin.goti2018", "--data", EXAMPLE, "--json", out, "--draws", 500)
    assert done.exit_code == 0, done.output
    return json.loads(out.read_text()), done.output


def test_one_entry_for_each_subject(drawn):
    entries, _ = drawn
    assert [one["id"] for one in entries] == [1, 2]
    for one in entries:
        assert one["eta"].keys() == {"CL", "V1", "V2"} == one["mean"].keys() == one["sd"].keys()
        assert one["parameters"].keys() == {"CL", "V1", "Q2", "V2"}
        assert one["levels"] == 2 and one["reliable"]
        assert one["pareto_k"] < 0.7 and all(0 < sd < 2 for sd in one["sd"].values())


def test_parameters_are_those_at_the_last_covariates(drawn):
    # Subject 1's creatinine clearance fell from 80 to 62 mL/min: CL = 4.5 (62/120)^.8 e^eta at the end.
    one = drawn[0][0]
    assert one["parameters"]["CL"] == pytest.approx(4.5 * (62 / 120) ** 0.8 * np.exp(one["eta"]["CL"]), rel=1e-9)
    assert one["parameters"]["Q2"] == pytest.approx(6.5)


def test_the_terminal_shows_a_table_and_what_is_assumed(drawn):
    _, output = drawn
    assert "Goti" in output and "OFV" in output and "2 subjects, 4 measurements" in output


def test_map_only_has_the_same_optimum_and_no_draws(drawn, tmp_path):
    out = tmp_path / "map.json"
    assert invoke("fit", "--drug", "vancomycin.goti2018", "--data", EXAMPLE, "--json", out, "--map-only").exit_code == 0
    for one, other in zip(json.loads(out.read_text()), drawn[0], strict=True):
        assert one["eta"] == pytest.approx(other["eta"], abs=1e-6)
        assert one["ofv"] == pytest.approx(other["ofv"], abs=1e-8)
        assert "mean" not in one and "pareto_k" not in one


@pytest.fixture
def table(tmp_path):
    def write(text):
        path = tmp_path / "data.csv"
        path.write_text(text)
        return path, tmp_path / "out.json"

    return write


def test_occasions_have_their_own_effects_and_parameters(table):
    data, out = table(
        "ID,TIME,AMT,RATE,EVID,MDV,CMT,DV,OCC,WT,CRRT\n"
        "a,0,4000,8000,1,1,1,.,1,80,0\na,4,.,.,0,0,1,30,1,80,0\na,24,4000,8000,1,1,1,.,2,80,0\na,28,.,.,0,0,1,9,2,80,0\n"
        "b,0,4000,8000,1,1,1,.,7,80,0\nb,4,.,.,0,0,1,25,7,80,0\n"
    )
    done = invoke("fit", "--drug", "piperacillin.roberts2010", "--data", data, "--json", out, "--map-only")
    assert done.exit_code == 0, done.output
    first, second = json.loads(out.read_text())
    assert first["id"] == "a" and first["kappa"].keys() == {"1", "2"} and second["kappa"].keys() == {"7"}
    one, two = (first["parameters_by_occasion"][n]["CL"] for n in ("1", "2"))
    assert one < two  # the lower level needs more clearance
    assert first["parameters"]["CL"] == pytest.approx(two)
    assert two == pytest.approx(17.1 * 80 / 70 * np.exp(first["eta"]["CL"] + first["kappa"]["2"]["CL"]), rel=1e-9)


def test_a_subject_without_levels_is_as_the_population(table):
    data, out = table("ID,TIME,AMT,RATE,EVID,MDV,CMT,DV,CRCL,WT,DIAL\n1,0,1000,1000,1,1,1,.,90,70,0\n")
    done = invoke("fit", "--drug", "vancomycin.goti2018", "--data", data, "--json", out, "--map-only")
    assert done.exit_code == 0, done.output
    one = json.loads(out.read_text())[0]
    assert set(one["eta"].values()) == {0.0} and one["ofv"] == 0 and "population" in one["status"]


@pytest.mark.parametrize(
    "case, said",
    [
        (("vancomycin.goti", "ID,TIME,AMT,DV\n1,0,100,.\n"), ["vancomycin.goti2018"]),
        (("vancomycin.goti2018", "ID,TIME,AMT,DV\n1,0,100,.\n"), ["seen", "CRCL", "wanted", "fix"]),
        (("vancomycin.goti2018", "ID,TIME,CONC\n1,0,100\n"), ["seen", "wanted", "AMT", "fix"]),
        (
            ("vancomycin.goti2018", "ID,TIME,AMT,DV,CMT,CRCL,WT,DIAL\n1,0,100,.,3,90,70,0\n"),
            ["compartment 3", "1 central"],
        ),
        (("vancomycin.goti2018", "ID,TIME,AMT,DV,RATE,CRCL,WT,DIAL\n1,0,100,.,-2,90,70,0\n"), ["RATE -2", "D1", "fix"]),
        (("no_such_file.toml", "ID,TIME,AMT,DV\n1,0,100,.\n"), ["seen", "wanted", "fix"]),
    ],
    ids=["name", "covariate", "column", "compartment", "duration", "file"],
)
def test_what_is_wrong_is_said(case, said, table):
    drug, text = case
    data, out = table(text)
    done = invoke("fit", "--drug", drug, "--data", data, "--json", out, "--map-only")
    assert done.exit_code != 0
    assert not out.exists()
    assert all(word in done.output for word in said), done.output


def test_a_missing_table_is_said(tmp_path):
    done = invoke(
        "fit", "--drug", "vancomycin.goti2018", "--data", tmp_path / "none.csv", "--json", tmp_path / "o.json"
    )
    assert done.exit_code != 0 and "none.csv" in done.output and "Traceback" not in done.output


def test_one_bad_subject_does_not_stop_the_others(table):
    data, out = table(
        "ID,TIME,AMT,RATE,EVID,MDV,CMT,DV,CRCL,WT,DIAL\n"
        "1,0,1000,1000,1,1,1,.,90,70,0\n1,8,.,.,0,0,1,12,90,70,0\n2,0,1000,1000,1,1,1,.,.,70,0\n2,8,.,.,0,0,1,12,.,70,0\n"
    )
    done = invoke("fit", "--drug", "vancomycin.goti2018", "--data", data, "--json", out, "--map-only")
    assert done.exit_code == 0, done.output
    first, second = json.loads(out.read_text())
    assert "error" not in first and "CRCL" in second["error"]["seen"]
    assert "subject 2 was not fitted" in done.output


def test_the_command_reproduces_a_reference_set(tmp_path):
    # Run 001 of set B, through the command line: objective values of posologyr to 1e-5.
    data = shared("reference", "dosing", "B_posologyr_cc0", "data", "data_to_fit001_dist.csv")
    drug = ROOT / "evidence" / "dosing" / "reference" / "run001_map.toml"
    out = tmp_path / "out.json"
    assert invoke("fit", "--drug", drug, "--data", data, "--json", out, "--map-only").exit_code == 0
    table = (
        shared("reference", "dosing", "B_posologyr_cc0", "eta_map", "eta_table_001.csv").read_text().splitlines()[1:21]
    )
    expected = [float(line.split(",")[-1]) for line in table]
    assert [one["ofv"] for one in json.loads(out.read_text())] == pytest.approx(expected, abs=1e-5)
