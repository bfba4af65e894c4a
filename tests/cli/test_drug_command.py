"""``caretwin drug``: what a pharmacist can look up, and what is said about a wrong file."""

import pytest
from click.testing import CliRunner

from caretwin.cli import main
from caretwin.models.pharmacology.drug_file import SHIPPED


def invoke(*arguments):
    return CliRunner().invoke(main, ["drug", *(str(a) for a in arguments)], env={"COLUMNS": "200"})


def test_the_list_names_every_shipped_model():
    output = invoke("list").output
    assert all(path.stem in output for path in SHIPPED.glob("*.toml"))
    only = invoke("list", "vancomycin").output
    assert "vancomycin.goti2018" in only and "meropenem" not in only


@pytest.mark.parametrize("name", [path.stem for path in sorted(SHIPPED.glob("*.toml"))])
def test_every_model_can_be_shown(name):
    done = invoke("show", name)
    assert done.exit_code == 0, done.output
    assert all(heading in done.output for heading in ("Parameters", "Residual error", "source", "Test vectors"))


def test_a_model_shows_what_decides_about_its_use():
    output = invoke("show", "vancomycin.goti2018").output
    for text in (
        "AUC24/MIC 400-600",
        "10.1097/FTD.0000000000000490",
        "Disputed",
        "22.7 %",
        "0.147",
        "CRRT == 0",
        "sd = a + b f",
    ):
        assert text in output


@pytest.mark.slow
def test_every_shipped_file_proves_itself():
    done = invoke("check", *sorted(SHIPPED.glob("*.toml")))
    assert done.exit_code == 0, done.output
    assert done.output.count(": OK") == len(list(SHIPPED.glob("*.toml")))


@pytest.fixture
def wrong(tmp_path):
    def write(old, new):
        text = (SHIPPED / "vancomycin.goti2018.toml").read_text()
        assert old in text
        path = tmp_path / "mine.toml"
        path.write_text(text.replace(old, new, 1))
        return path, text[: text.index(old)].count("\n") + 1

    return write


@pytest.mark.parametrize(
    "old, new, said",
    [
        ("4.5 [L/h]", "4.5 [L]", "L/h"),
        ("proportional = 0.227", "proportionl = 0.227", "proportional"),
        ("compartments = 2", "compartments = 7", "1, 2 or 3"),
        ("[structure]", "[structure", "mine.toml"),
    ],
)
def test_a_wrong_file_is_told_where(wrong, old, new, said):
    path, line = wrong(old, new)
    done = invoke("check", path)
    assert done.exit_code == 1
    assert said in done.output and f":{line}" in done.output


def test_a_file_that_misses_its_own_vectors_fails(wrong):
    path, _ = wrong("[L/h] * (min(CRCL", "[L/h] * 1.01 * (min(CRCL")
    done = invoke("check", path)
    assert done.exit_code == 1
    assert "expected 4.5" in done.output and "area 0-24 h" in done.output


def test_an_unknown_model_says_what_is_near():
    done = invoke("show", "vancomycine")
    assert done.exit_code == 1 and "vancomycin." in done.output
