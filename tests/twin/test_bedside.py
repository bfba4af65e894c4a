"""From a record to what a twin takes in: nothing from the future, nothing guessed in silence."""

import dataclasses

import jax
import numpy as np
import pytest

from caretwin.record.bedside import BedsideRecord, Person, Quality, Signal
from caretwin.twin.bedside import context, rows, settings_at
from caretwin.twin.bedside_twin import bedside_twin, follow
from caretwin.twin.registry import family

CHANNELS = family("physiology").channels


def signal(*points: tuple[float, float], received: float | None = None, quality: int = 0) -> Signal:
    time, value = np.array(points, dtype=float).T
    late = None if received is None else time + received
    return Signal.of(time, value, late, np.full(len(time), quality))


def ventilated(**more: Signal) -> BedsideRecord:
    observations = {
        "heart_rate": signal((0.0, 92.0), (1.0, 95.0), (2.0, 97.0)),
        "mean_arterial_pressure": signal((0.0, 71.0), (1.0, 70.0), (2.0, 68.0)),
        "oxygen_saturation": signal((0.0, 95.0), (1.0, 94.0), (2.0, 95.0)),
        **more,
    }
    settings = {
        "ventilator_mode": signal((-1.0, 1.0)),
        "fio2": signal((-1.0, 0.5)),
        "peep": signal((-1.0, 8.0), (1.5, 12.0)),
        "tidal_volume_set": signal((-1.0, 0.42)),
        "respiratory_rate_set": signal((-1.0, 18.0)),
        "norepinephrine": signal((0.5, 0.1)),
    }
    return BedsideRecord(Person("one", "male", 60.0, 178.0, 82.0), observations, settings)


def number(row, name: str) -> float:
    return float(row.value[CHANNELS.index(name)]) if row.kind[CHANNELS.index(name)] else float("nan")


def test_a_setting_holds_from_its_time_on_and_an_infusion_that_was_not_charted_does_not_run() -> None:
    record = ventilated()
    before, _ = settings_at(record, 0.2, 70.0)
    after, _ = settings_at(record, 1.6, 70.0)
    assert (float(before.peep), float(after.peep)) == (8.0, 12.0)
    assert (float(before.infusions.norepinephrine), float(after.infusions.norepinephrine)) == (0.0, 0.1)
    assert float(after.infusions.vasopressin) == 0.0


def test_of_the_oxygen_charted_for_a_mask_a_part_reaches_the_lung_and_all_of_it_through_a_tube() -> None:
    def breathing(mode: float, fio2: float) -> float:
        record = ventilated()
        changed = {"ventilator_mode": signal((-1.0, mode)), "fio2": signal((-1.0, fio2))}
        record = dataclasses.replace(record, settings=dict(record.settings) | changed)
        settings, known = settings_at(record, 1.0, 66.0)
        assert known
        return float(settings.fio2)

    assert breathing(1.0, 0.5) == 0.5
    assert 0.21 < breathing(0.0, 0.5) < 0.5
    assert breathing(0.0, 0.21) == 0.21


def test_a_result_is_used_when_it_is_known_and_belongs_to_when_it_was_drawn() -> None:
    record = ventilated(arterial_oxygen_pressure=signal((0.2, 80.0), received=1.2))
    found = [row for row in rows(record) if number(row, "arterial_oxygen_pressure") == 80.0]
    assert len(found) == 1
    assert found[0].time == pytest.approx(1.4)
    assert found[0].effective == pytest.approx(0.2)


def test_rows_come_in_order_of_arrival_at_exactly_their_times() -> None:
    times = [row.time for row in rows(ventilated())]
    assert times == sorted(times)
    assert times == [0.0, 1.0, 2.0]


def test_a_gas_says_nothing_of_oxygen_while_the_inspired_fraction_is_unknown_and_an_oximeter_is_still_followed() -> (
    None
):
    record = ventilated(arterial_oxygen_pressure=signal((0.0, 80.0)))
    unknown = dataclasses.replace(record, settings={k: v for k, v in record.settings.items() if k != "fio2"})
    assert not np.isfinite(number(rows(unknown)[0], "arterial_oxygen_pressure"))
    assert not np.isfinite(number(rows(unknown)[0], "oxygenation_chosen"))
    assert number(rows(unknown)[0], "oxygen_saturation") == 95.0
    assert number(rows(unknown)[0], "heart_rate") == 92.0


def test_a_doubted_or_refused_value_is_not_used() -> None:
    record = ventilated(central_venous_pressure=signal((0.0, 33.0), quality=int(Quality.SUSPECT)))
    assert all(not np.isfinite(number(row, "central_venous_pressure")) for row in rows(record))


def test_pulse_pressure_needs_both_values_of_one_time() -> None:
    record = ventilated(
        systolic_pressure=signal((0.0, 120.0), (1.0, 118.0)), diastolic_pressure=signal((0.0, 60.0), (1.1, 61.0))
    )
    assert [number(row, "pulse_pressure") for row in rows(record)][:2] == [60.0, pytest.approx(np.nan, nan_ok=True)]


def test_what_a_record_does_not_say_of_a_person_is_named() -> None:
    _, assumed = context(Person("somebody"))
    assert assumed.what == ("sex", "age_y", "height_cm", "weight_kg")
    body, assumed = context(Person("one", "female", 50.0, 170.0, 70.0))
    assert assumed.what == ()
    assert float(body.predicted_weight) == pytest.approx(61.516)


@pytest.mark.slow
def test_a_twin_learns_what_is_charted_and_nothing_that_comes_later() -> None:
    twin = bedside_twin(particles=500)  # as the commands make it: one compiled program serves all
    full = ventilated(arterial_carbon_dioxide_pressure=signal((0.5, 58.0), received=1.0))
    (_, early, _), (_, late, taken) = list(follow(twin, full, [1.2, 2.0]))
    (_, alone, _) = next(iter(follow(twin, full.as_of(1.2), [1.2])))
    assert np.array_equal(early.ensemble.theta, alone.ensemble.theta)  # the gas was not known yet
    names = twin.model.channel_names

    def carbon(living) -> float:
        index = names.index("arterial_carbon_dioxide_pressure")

        def expected(theta, x):
            return twin.model.predict(twin.model.individual(theta, living.body), x, living.settings)[index]

        return float(np.median(jax.vmap(expected)(living.ensemble.theta, living.ensemble.x)))

    assert carbon(late) > carbon(early) + 3.0  # late, and for an earlier hour: it moves the present
    assert any(row.effective < row.time for row, _ in taken)
