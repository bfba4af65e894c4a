"""Judged on entry: slips are corrected and said, the impossible is refused, the odd is suspect, and none is silent."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.paths import shared

from caretwin.ingest.bedside.gas_rules import severinghaus_saturation
from caretwin.ingest.bedside.quality import counted, judge
from caretwin.record.bedside import BedsideRecord, Person, Quality, Signal, channels

NOBODY = Person("invented")


def record(**rows):
    """A record of channels given as values (at 0, 1, 2 ... h) or as {hour: value}."""
    observations, settings = {}, {}
    for name, values in rows.items():
        by_hour = values if isinstance(values, dict) else dict(enumerate(values))
        signal = Signal.of(np.array([*by_hour], dtype=float), np.array([*by_hour.values()], dtype=float))
        (settings if channels()[name].kind == "setting" else observations)[name] = signal
    return BedsideRecord(NOBODY, observations, settings)


def judged(name, **rows):
    """Values and qualities of a channel after judging."""
    after = judge(record(**rows))
    signal = {**after.observations, **after.settings}[name]
    return signal.value.tolist(), signal.quality.tolist()


GOOD, SUSPECT, REFUSED = (int(q) for q in Quality)


# Slips that were plainly meant otherwise


def test_fio2_of_40_is_taken_as_0_40_and_said():
    after = judge(record(fio2=[0.5, 40.0]))
    assert after.settings["fio2"].value.tolist() == [0.5, 0.4]
    assert after.settings["fio2"].quality.tolist() == [GOOD, SUSPECT]
    (finding,) = after.findings
    assert "fio2 40" in finding.seen
    assert "divided by 100" in finding.fix


@pytest.mark.parametrize("value", [2.0, 6.0, 15.0, 20.9])
def test_fio2_between_1_and_21_is_refused_because_it_could_be_a_flow(value):
    assert judged("fio2", fio2=[0.5, value])[1] == [GOOD, REFUSED]


def test_a_temperature_in_fahrenheit_is_converted():
    values, quality = judged("temperature", temperature=[37.0, 98.6])
    assert values == pytest.approx([37.0, 37.0])
    assert quality == [GOOD, SUSPECT]


@pytest.mark.parametrize("name", ["tidal_volume", "tidal_volume_set"])
def test_a_tidal_volume_in_millilitres_becomes_litres(name):
    values, quality = judged(name, **{name: [0.45, 450.0]})
    assert values == pytest.approx([0.45, 0.45])
    assert quality == [GOOD, SUSPECT]


def test_exchanged_pressures_are_exchanged_back_and_said():
    after = judge(record(systolic_pressure=[120, 60], diastolic_pressure=[60, 118], mean_arterial_pressure=[80, 79]))
    assert after.observations["systolic_pressure"].value.tolist() == [120, 118]
    assert after.observations["diastolic_pressure"].value.tolist() == [60, 60]
    assert after.observations["mean_arterial_pressure"].quality.tolist() == [GOOD, GOOD]
    assert {f.column for f in after.findings} == {"systolic_pressure", "diastolic_pressure"}


# What cannot be


def test_a_peep_of_200_is_refused_with_a_reason_and_the_one_before_goes_on():
    after = judge(record(peep=[8.0, 200.0]))
    assert after.settings["peep"].held_at(np.array([5.0])).tolist() == [8.0]
    assert "no ventilator sets it" in after.findings[0].fix


def test_a_negative_rate_is_named():
    after = judge(record(norepinephrine=[0.1, -0.1]))
    assert after.settings["norepinephrine"].quality.tolist() == [GOOD, REFUSED]
    assert "below zero" in after.findings[0].seen


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("central_venous_pressure", [8.0, 336.0]),
        ("mean_arterial_pressure", [75.0, 801.0]),
        ("oxygen_saturation", [97.0, 21.0]),
        ("tidal_volume_set", [0.45, 0.0]),
        ("arterial_oxygen_pressure", [90.0, 12.0]),
    ],
)
def test_artefacts_of_the_real_sets_are_refused_and_kept_for_the_eye(name, values):
    found, quality = judged(name, **{name: values})
    assert found == values
    assert quality == [GOOD, REFUSED]


def test_a_peak_pressure_not_above_peep_is_a_disconnection():
    assert judged("peak_pressure", peep=[10.0], peak_pressure=[25.0, 10.0])[1] == [GOOD, REFUSED]


def test_a_copy_is_used_once_and_another_value_at_the_same_time_is_suspect():
    signal = Signal.of(np.array([0.0, 0.0, 0.0]), np.array([80.0, 80.0, 95.0]))
    after = judge(BedsideRecord(NOBODY, {"heart_rate": signal}))
    assert after.observations["heart_rate"].quality.tolist() == [GOOD, REFUSED, SUSPECT]


# What is odd


def test_a_flush_is_suspect_and_what_follows_is_not():
    values = [75.0, 78.0, 74.0, 160.0, 76.0]
    assert judged("mean_arterial_pressure", mean_arterial_pressure=values)[1] == [GOOD, GOOD, GOOD, SUSPECT, GOOD]


def test_a_mean_outside_systolic_and_diastolic_is_suspect():
    rows = {"systolic_pressure": [120, 120], "diastolic_pressure": [60, 60], "mean_arterial_pressure": [80, 45]}
    assert judged("mean_arterial_pressure", **rows)[1] == [GOOD, SUSPECT]


def test_a_frozen_pressure_is_suspect_and_a_paced_heart_is_not():
    assert judged("mean_arterial_pressure", mean_arterial_pressure=[77.0] * 12)[1][-1] == SUSPECT
    assert judged("heart_rate", heart_rate=[80.0] * 12)[1] == [GOOD] * 12


def test_a_sudden_low_saturation_is_suspect():
    assert judged("oxygen_saturation", oxygen_saturation=[97, 96, 97, 70, 96])[1] == [GOOD, GOOD, GOOD, SUSPECT, GOOD]


def test_a_plateau_needs_a_hold_without_effort():
    assert judged("plateau_pressure", ventilator_mode=[3, 4], plateau_pressure=[24, 24])[1] == [GOOD, SUSPECT]


def test_a_plateau_above_the_peak_beside_it_is_suspect():
    assert judged("plateau_pressure", peak_pressure=[30, 20], plateau_pressure=[24, 24])[1] == [GOOD, SUSPECT]


@pytest.mark.parametrize(
    ("oxygen", "ph", "oximeter", "quality"),
    [
        (38.0, 7.36, 98.0, SUSPECT),  # venous, charted as arterial
        (48.0, 7.45, 97.0, SUSPECT),  # saturation not 15 % apart, yet no artery has it at 97 %
        (38.0, 7.36, 74.0, GOOD),  # truly hypoxaemic: both say so
        (75.0, 7.36, 95.0, GOOD),
    ],
)
def test_a_venous_gas_charted_as_arterial_is_recognised_with_all_that_came_from_it(oxygen, ph, oximeter, quality):
    rows = {
        "arterial_oxygen_pressure": {1.0: oxygen},
        "arterial_ph": {1.0: ph},
        "arterial_carbon_dioxide_pressure": {1.0: 45.0},
        "oxygen_saturation": {0.5: oximeter},
    }
    after = judge(record(**rows))
    for name in ("arterial_oxygen_pressure", "arterial_ph", "arterial_carbon_dioxide_pressure"):
        assert after.observations[name].quality.tolist() == [quality]
    assert any("venous or mistimed" in f.seen for f in after.findings) == (quality == SUSPECT)


@pytest.mark.parametrize(("measured", "quality"), [(72.0, SUSPECT), (93.0, GOOD)])
def test_a_measured_saturation_of_a_vein_is_recognised_without_an_oxygen_pressure(measured, quality):
    rows = {"arterial_saturation": {1.0: measured}, "arterial_ph": {1.0: 7.38}, "oxygen_saturation": {0.5: 97.0}}
    after = judge(record(**rows))
    assert after.observations["arterial_saturation"].quality.tolist() == [quality]
    assert after.observations["arterial_ph"].quality.tolist() == [quality]


def test_without_a_pulse_oximeter_nothing_is_said_about_a_gas():
    assert judged("arterial_saturation", arterial_saturation=[72.0])[1] == [GOOD]
    assert judged("arterial_oxygen_pressure", arterial_oxygen_pressure=[38.0])[1] == [GOOD]


# Saturation: a curve for judging


# Expected: the field table of three published curves; ours is Severinghaus 1979, so to 0.0001 as printed there.
@pytest.mark.parametrize(("oxygen", "saturation"), [(20, 0.3198), (40, 0.7495), (60, 0.9058), (90, 0.9694)])
def test_the_oxygen_curve_is_that_of_severinghaus(oxygen, saturation):
    found = severinghaus_saturation(np.array([float(oxygen)]), np.array([7.4]))
    assert found[0] == pytest.approx(saturation, abs=1e-4)


def test_acid_blood_holds_less_oxygen():
    found = severinghaus_saturation(np.array([40.0] * 4), np.array([7.1, 7.3, 7.4, 7.6]))
    assert (np.diff(found) > 0).all()


# Identities

TIMES = st.lists(st.floats(0, 24), min_size=1, max_size=12, unique=True)


@st.composite
def records(draw):
    """Records of vital signs as charted and gases known a quarter of an hour later, artefacts among them."""

    def signal(low, high, delay=0.0):
        time = np.array(sorted(draw(TIMES)))
        value = np.array(draw(st.lists(st.floats(low, high), min_size=len(time), max_size=len(time))))
        return Signal.of(time, value, time + delay)

    gases = ("arterial_oxygen_pressure", "arterial_ph")
    return BedsideRecord(
        NOBODY,
        {
            "mean_arterial_pressure": signal(-10, 400),
            "systolic_pressure": signal(0, 300),
            "diastolic_pressure": signal(0, 300),
            "oxygen_saturation": signal(20, 100),
            gases[0]: signal(10, 600, 0.25),
            gases[1]: signal(6.5, 8, 0.25),
            "peak_pressure": signal(0, 60),
            "plateau_pressure": signal(0, 60),
        },
        {"fio2": signal(-1, 100), "peep": signal(-5, 60), "ventilator_mode": signal(0, 8)},
    )


def rows_of(signals):
    return {
        name: list(zip(s.time_h.tolist(), s.value.tolist(), s.quality.tolist(), strict=True))
        for name, s in signals.items()
    }


@given(records(), st.floats(0, 25))
def test_judging_what_was_known_by_a_time_gives_what_would_have_been_judged_then(whole, now):
    then, later = judge(whole.as_of(now)).as_of(now), judge(whole).as_of(now)
    assert rows_of(then.observations) == rows_of(later.observations)
    assert rows_of(then.settings) == rows_of(later.settings)


@given(records())
def test_judging_twice_changes_nothing_more(whole):
    once = judge(whole)
    again = judge(once)
    assert rows_of(again.observations) == rows_of(once.observations)
    assert rows_of(again.settings) == rows_of(once.settings)


@given(records())
def test_no_row_is_lost_and_every_judged_row_has_a_finding(whole):
    after = judge(whole)
    for name, signal in {**whole.observations, **whole.settings}.items():
        kept = {**after.observations, **after.settings}[name]
        assert len(kept) == len(signal)
        touched = (kept.quality != signal.quality) | (kept.value != signal.value)
        assert not touched.any() or any(f.column == name for f in after.findings)


def test_a_plausible_record_passes_untouched():
    plain = record(
        heart_rate=[80, 82, 85], mean_arterial_pressure=[75, 78, 74], peep=[8, 8, 10], fio2=[0.5, 0.5, 0.4],
        oxygen_saturation=[96, 97, 95], arterial_oxygen_pressure=[80, 90, 85], arterial_ph=[7.4, 7.38, 7.36],
    )  # fmt: skip
    after = judge(plain)
    assert after.findings == ()
    assert rows_of(after.observations) == rows_of(plain.observations)


def test_the_count_by_rule_counts_rows():
    assert counted(record(fio2=[40.0, 50.0, 0.4])) == Counter({("FiO2 as a percentage", "fio2", SUSPECT): 2})


# On real gases whose specimen was named


def test_the_venous_rule_finds_mixed_venous_gases_and_leaves_arterial_ones_alone():
    from caretwin.ingest.mimic3.bedside_gases import gas_states

    states = gas_states(shared("data", "mimic3_demo"))

    def share(chosen):
        there = np.flatnonzero(chosen & np.isfinite(states.values["oxygen_saturation"]))
        found = 0
        for row in there:
            one = {
                n: {0.0: states.values[n][row]}
                for n in ("arterial_oxygen_pressure", "arterial_ph", "oxygen_saturation")
                if np.isfinite(states.values[n][row])
            }
            found += judge(record(**one)).observations["arterial_oxygen_pressure"].quality[0] == SUSPECT
        return found, len(there)

    mixed, arterial = share(states.specimen == "MIX"), share(states.arterial)
    assert mixed[0] / mixed[1] > 0.5
    assert arterial[0] / arterial[1] < 0.05
