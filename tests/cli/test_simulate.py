"""``caretwin simulate``: the examples run, what they show is physiology, and no mistake passes in silence."""

import csv
from contextlib import nullcontext

import numpy as np
import pytest
from click.testing import CliRunner

from caretwin.cli.simulate import command
from caretwin.ingest.scenario_file import scenario_of
from caretwin.record.bedside import channels
from caretwin.record.scenario import UNITS
from caretwin.twin.scenario import held
from tests.paths import ROOT

PATIENT = {"sex": "male", "age": "50 y", "height": "175 cm", "weight": "80 kg", "condition": "healthy"}
VENTILATED = {"mode": "volume control", "tidal_volume": "450 mL", "rate": "16 /min", "peep": "5 cmH2O", "fio2": 0.4}


def table(path):
    """Columns of a written file by name."""
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


def simulate(tmp_path, name, *options):
    out = tmp_path / "out.csv"
    result = CliRunner().invoke(command, [str(ROOT / "examples" / name), "--csv", str(out), *options])
    assert result.exit_code == 0, result.output
    return table(out), result.output


def refused(tmp_path, text):
    """The message for a scenario that is refused."""
    path = tmp_path / "wrong.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:  # nothing is computed: no compiled program need be loaded ahead
        patch.setattr("caretwin.core.program.programs_ahead", lambda _: nullcontext())
        result = CliRunner().invoke(command, [str(path), "--csv", str(tmp_path / "out.csv")])
    assert result.exit_code == 1, result.output
    assert not (tmp_path / "out.csv").exists()
    return result.output


def scenario(patient=None, start=None, **rest):
    return scenario_of({"patient": PATIENT | (patient or {}), "start": VENTILATED | (start or {}), **rest})


def test_a_breath_that_the_pressure_limit_ends_is_named(tmp_path):
    path, out = tmp_path / "large.toml", tmp_path / "large.csv"
    patient = PATIENT | {"condition": "ards", "severity": "severe"}
    lines = ["[patient]", *(f'{k} = "{v}"' for k, v in patient.items()), "[run]", 'duration = "20 min"', "[start]"]
    lines += [f"{k} = {v!r}" for k, v in VENTILATED.items()] + ["[[change]]", 'at = "5 min"', 'tidal_volume = "900 mL"']
    path.write_text("\n".join(lines), encoding="utf-8")
    result = CliRunner().invoke(command, [str(path), "--csv", str(out)])
    assert "not delivered" in result.output and "of 900 mL" in result.output, result.output
    assert table(out)["tidal_volume_mL"][-1] < 800.0


def test_peep_in_lung_injury_trades_oxygen_for_flow_and_returns(tmp_path):
    found, said = simulate(tmp_path, "scenario_ards_peep.toml")
    at = lambda column, minute: float(found[column][found["time_min"] == minute][0])  # noqa: E731
    assert at("arterial_oxygen_pressure_mmHg", 60) > 1.1 * at("arterial_oxygen_pressure_mmHg", 30)
    assert at("cardiac_output_L_per_min", 60) < 0.95 * at("cardiac_output_L_per_min", 30)
    for column in ("arterial_oxygen_pressure_mmHg", "cardiac_output_L_per_min", "central_venous_pressure_mmHg"):
        assert at(column, 90) == pytest.approx(at(column, 30), rel=0.03)
    assert "passive" in said and "91 rows written" in said


def test_before_anything_changes_nothing_changes(tmp_path):
    found, _ = simulate(tmp_path, "scenario_ards_peep.toml")
    before = found["time_min"] <= 30
    for name, values in found.items():
        if name != "time_min":
            assert np.ptp(values[before]) <= 2e-3 * max(1.0, abs(values[0])), name


def test_bleeding_and_crystalloid_are_counted_to_the_millilitre_that_left(tmp_path):
    found, _ = simulate(tmp_path, "scenario_haemorrhage.toml")
    blood, minute = found["blood_volume_L"], found["time_min"]
    lost = blood[minute == 5][0] - blood[minute == 15][0]
    assert lost == pytest.approx(1.5, abs=0.1)  # a little is refilled meanwhile
    assert found["heart_rate_per_min"][minute == 15][0] > found["heart_rate_per_min"][0] + 5
    assert blood[minute == 50][0] > blood[minute == 30][0] + 0.4


def test_the_same_scenario_gives_the_same_file(tmp_path):
    first, _ = simulate(tmp_path, "scenario_septic_shock.toml")
    second, _ = simulate(tmp_path, "scenario_septic_shock.toml")
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_draws_surround_the_typical_patient_and_another_seed_draws_others(tmp_path):
    name = "mean_arterial_pressure_mmHg"
    first, _ = simulate(tmp_path, "scenario_septic_shock.toml", "--draws", "16")
    other, _ = simulate(tmp_path, "scenario_septic_shock.toml", "--draws", "16", "--seed", "1")
    assert np.all(first[f"{name}_p05"] < first[name]) and np.all(first[name] < first[f"{name}_p95"])
    assert not np.array_equal(first[name], other[name])


@pytest.mark.parametrize(
    "change, words",
    [
        ('peep = "200 cmH2O"', ("peep", "200", "0 to 35 cm[H2O]")),
        ("fio2 = 40", ("fio2", "write the fraction 0.4")),
        ('rate = "-10 /min"', ("rate", "never negative")),
        ("peep = 5", ("peep", "without a unit", '"5 cmH2O"')),
        ('tidal_volume = "450 cmH2O"', ("tidal_volume", "a volume")),
        ('peeep = "5 cmH2O"', ("unknown key 'peeep'", "did you mean peep?")),
        ('norepinephrine = "0.1 mg"', ("norepinephrine", "ug/kg/min")),
        ('norepinephrine = "-0.1 ug/kg/min"', ("norepinephrine", "never negative")),
        ('crystalloid = "500 mL"', ("an amount without the time", "lasts")),
        ('mode = "hyperventilation"', ("mode", "volume control")),
        ('peep = "5 cmH2O"\npeep_cmH2O = 6', ("peep twice",)),
        ("fio2 = true", ("fio2", "a number with its unit")),
        ('ie = "two to one"', ("I:E", "1:2")),
        ('temperature = "37 kg"', ("temperature", "mass")),
        ('rate = "nan /min"', ("rate",)),
    ],
)
def test_a_mistake_in_a_change_is_named_with_its_cure(tmp_path, change, words):
    said = refused(tmp_path, _text(change=change))
    assert all(word in said for word in words), said
    assert "seen" in said and "wanted" in said and "fix" in said


def _text(patient="", change='peep = "8 cmH2O"', drop="", at='at = "10 min"'):
    lines = [f'{k} = "{v}"' for k, v in PATIENT.items() if k != drop]
    start = [f"{k} = {v!r}".replace("'", '"') for k, v in VENTILATED.items() if k != drop]
    return "\n".join(["[patient]", *lines, patient, "[start]", *start, "[[change]]", at, change, ""])


@pytest.mark.parametrize("missing", ["weight", "height", "age", "sex", "condition", "peep", "fio2", "rate", "mode"])
def test_what_is_missing_is_asked_for_never_guessed(tmp_path, missing):
    said = refused(tmp_path, _text(drop=missing, change='temperature = "38 Cel"'))
    assert f"no {missing}" in said and "add" in said


@pytest.mark.parametrize(
    "text, words",
    [
        (_text(at='at = "90 min"'), ("at 90 min", "0 to 60 min")),
        (_text(at=""), ("no time",)),
        (_text(patient="severity = 0.5").replace('"healthy"', '"plague"'), ("plague", "ards")),
        (_text().replace('"healthy"', '"ARDS"'), ("without a severity",)),
        (_text(patient="severity = 1.5").replace('"healthy"', '"ARDS"'), ("0 (healthy) to 1",)),
        (_text().replace('"80 kg"', '"800 kg"'), ("weight", "30 to 300")),
        ("[patient\n", ("a file in TOML",)),
        ("[start]\n", ("[patient]",)),
        (_text() + "[nurses]\ncount = 3\n", ("unknown key 'nurses'",)),
        (_text().replace("[start]", '[start]\nbleeding = "20 mL/min"'), ("bleeding before minute 0",)),
    ],
)
def test_a_scenario_that_is_none_is_refused(tmp_path, text, words):
    said = refused(tmp_path, text)
    assert all(word in said for word in words), said


@pytest.mark.parametrize(
    "written, name, value",
    [
        ({"peep_cmH2O": 8}, "peep", 8.0),
        ({"peep": "1 kPa"}, "peep", 10.197),
        ({"fio2": "60 %"}, "fio2", 0.6),
        ({"tidal_volume_mL": 400}, "tidal_volume", 0.4),
        ({"tidal_volume": "6 mL/kg"}, "tidal_volume", 0.006 * 70.566),
        ({"ie": "1:3"}, "inspiratory_fraction", 0.25),
        ({"norepinephrine_ug_per_kg_per_min": 0.2}, "norepinephrine", 0.2),
        ({"norepinephrine": "8 ug/min"}, "norepinephrine", 0.1),
        ({"noradrenaline": "0.6 mg/h"}, "norepinephrine", 0.125),
        ({"vasopressin": "0.03 units/min"}, "vasopressin", 1.8),
        ({"propofol": "25 mcg/kg/min"}, "propofol", 1.5),
        ({"temperature_Cel": 39}, "temperature", 39.0),
        ({"inspired_co2": "5 %"}, "inspired_carbon_dioxide", 35.65),
        ({"relaxed": True}, "relaxed", 1.0),
    ],
)
def test_a_quantity_may_be_written_in_the_ways_of_the_bedside(written, name, value):
    given = scenario(change=[{"at": "10 min", **written}]).changes[0].values[name]
    assert given == pytest.approx(value, rel=1e-3)


def test_an_amount_with_a_duration_is_a_rate_that_ends():
    read = scenario(change=[{"at": "10 min", "lasts": "20 min", "crystalloid": "1 L"}])
    assert held(read, 9.0)["crystalloid"] == 0.0
    assert held(read, 15.0)["crystalloid"] == pytest.approx(0.05)
    assert held(read, 30.0)["crystalloid"] == 0.0


def test_a_new_mode_brings_what_it_needs_and_ends_passivity():
    read = scenario(change=[{"at": "10 min", "mode": "pressure support", "pressure": "8 cmH2O"}])
    assert read.start["relaxed"] == 1.0 and held(read, 20.0)["relaxed"] == 0.0
    assert any("passive" in note for note in read.assumed)


def test_every_setting_of_a_scenario_that_the_bedside_record_knows_has_its_range_inside_it():
    from caretwin.ingest.scenario_values import RANGES

    for name in UNITS:
        channel = channels().get(name)
        if channel is not None and name in RANGES and channel.unit == UNITS[name] and name != "temperature":
            assert RANGES[name][0] >= channel.low - 1e-9 and RANGES[name][1] <= channel.high + 1e-9, name


def test_an_output_never_overwrites_the_scenario(tmp_path):
    path = tmp_path / "man.toml"
    path.write_text("[patient]\n")
    result = CliRunner().invoke(command, [str(path), "--csv", str(tmp_path / "." / "man.toml")])
    assert result.exit_code == 2 and "would be lost" in result.output
    assert path.read_text() == "[patient]\n"


def test_the_help_shows_a_scenario_line_by_line():
    shown = CliRunner().invoke(command, ["--help"]).output.splitlines()
    assert '  sex = "male"                    or "female"' in shown


def test_a_setting_that_the_mode_does_not_use_is_said():
    alone = scenario({}, {"mode": "spontaneous"})
    assert any("tidal_volume given, but spontaneous does not use it" in note for note in alone.assumed)
    volume = scenario({}, {"pressure": "15 cmH2O"})
    assert any("pressure given, but volume control does not use it" in note for note in volume.assumed)
    assert not any("does not use" in note for note in scenario().assumed)
