"""The ARDS Network's written rules, row by row, and the small steps that they and the twin may propose."""

import json

import pytest

from caretwin.base.errors import DomainError
from caretwin.decide.bedside_change import checked
from caretwin.decide.ventilation_tables import (
    HIGHER_PEEP,
    LOWER_PEEP,
    STEPS,
    Charted,
    oxygen_side,
    rate_rule,
    table_step,
    volume_rule,
)
from tests.paths import shared

WRONG_HIGHER = {
    0.3: {5, 8, 10},
    0.4: {10, 12},
    0.5: {12, 14, 16},
    0.6: {16},
    0.7: {16},
    0.8: {16},
    0.9: {16},
    1.0: {20, 24},
}
PATIENT = Charted(
    fio2=0.5, peep=8.0, volume_per_kg=6.0, rate=20.0, oxygen=70.0, saturation=93.0, carbon_dioxide=45.0, ph=7.33,
    plateau=26.0,
)  # fmt: skip


def test_the_tables_are_those_of_the_transcriptions():
    known = json.loads(shared("reference", "physiology", "clinical_tables.json").read_text())
    for table, name in ((LOWER_PEEP, "ARDSNet_low_PEEP_FiO2"), (HIGHER_PEEP, "ARDSNet_high_PEEP_FiO2_ALVEOLI")):
        assert [f for f, _ in table] == known[name]["FiO2"]
        assert [p for _, p in table] == known[name]["PEEP"]


def test_the_wrong_higher_table_in_circulation_is_not_ours():
    ours: dict[float, set[float]] = {}
    for fio2, peep in HIGHER_PEEP:
        ours.setdefault(fio2, set()).add(peep)
    assert ours != WRONG_HIGHER
    assert 14 in ours[0.3] and 20 in ours[0.6]  # the wrong one stops at 10 and at 16


@pytest.mark.parametrize("table", [LOWER_PEEP, HIGHER_PEEP])
def test_along_a_table_neither_oxygen_nor_peep_falls(table):
    assert list(table) == sorted(table)


def test_the_lower_table_goes_a_column_up_in_hypoxaemia_and_down_in_plenty():
    assert table_step(LOWER_PEEP, PATIENT).change == {"fio2": 0.5, "peep": 8}
    assert table_step(LOWER_PEEP, PATIENT._replace(oxygen=50.0)).change == {"fio2": 0.5, "peep": 10}
    assert table_step(LOWER_PEEP, PATIENT._replace(oxygen=90.0)).change == {"fio2": 0.4, "peep": 8}
    assert table_step(LOWER_PEEP, PATIENT._replace(oxygen=None, saturation=None)).change == {}
    at_the_end = PATIENT._replace(fio2=1.0, peep=24.0, oxygen=45.0)
    assert table_step(LOWER_PEEP, at_the_end).change == {"fio2": 1.0, "peep": 24}


def test_a_gas_counts_before_the_oximeter():
    assert oxygen_side(PATIENT._replace(oxygen=50.0, saturation=97.0)) == -1
    assert oxygen_side(PATIENT._replace(oxygen=None, saturation=97.0)) == 1


@pytest.mark.parametrize(
    ("plateau", "volume", "wanted"),
    [(32.0, 6.0, 5.0), (32.0, 4.2, 4.0), (32.0, 4.0, None), (22.0, 5.0, 6.0), (26.0, 8.0, 7.0), (26.0, 6.3, 6.0),
     (26.0, 6.0, None), (None, 7.0, 6.0)],
)  # fmt: skip
def test_tidal_volume_follows_plateau_and_weight(plateau, volume, wanted):
    rule = volume_rule(PATIENT._replace(plateau=plateau, volume_per_kg=volume))
    assert rule.change.get("volume_per_kg") == wanted


@pytest.mark.parametrize(
    ("ph", "rate", "wanted"),
    [
        (7.25, 20.0, 24.0),
        (7.25, 33.0, 35.0),
        (7.10, 20.0, 35.0),
        (7.35, 20.0, None),
        (7.50, 20.0, 16.0),
        (None, 20.0, None),
    ],
)
def test_rate_follows_ph(ph, rate, wanted):
    assert rate_rule(PATIENT._replace(ph=ph, rate=rate)).change.get("rate") == wanted


def test_peep_steps_are_those_of_the_lower_table():
    assert STEPS == (5, 8, 10, 12, 14, 16, 18, 20, 22, 24)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("peep", 200.0, "0 to 30 cmH2O"),
        ("fio2", 40.0, "0.40 for 40 %"),
        ("rate", -12.0, "4 to 45 /min"),
        ("tidal_volume", 0.42e3, "give mL"),
        ("fio2", float("nan"), "0.21 to 1"),
        ("norepinephrine", 8.0, "ug/kg/min"),
    ],
)
def test_a_value_that_nobody_sets_is_a_named_error(name, value, said):
    with pytest.raises(DomainError, match="proposed") as error:
        checked(name, value)
    assert said in str(error.value)
