"""From a bedside record to what the physiology model can take in: settings as inputs, values as data, in order of
arrival.

Nothing is guessed in silence: what a model needs and the record does not say is assumed here, in one place, and named
in :class:`Assumed`. While an assumption touches a blood gas (oxygen without a known inspired fraction), that gas is not
used; oximetry is, under the oxygen that is assumed, because otherwise a quarter of real stays had none.
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from caretwin.record.bedside import BedsideRecord, Person, Quality, Signal
from caretwin.twin.registry import family

FRESH_TEMPERATURE_H = 12.0
"""h: the mean of so long; sites differ by half a degree, and an older temperature is not that of now."""
TOGETHER_H = 1.0 / 60.0
"""h: values of one minute are one datum, known when the last of them is."""
HIGHEST_CHOSEN_RATE = 35.0
"""1/min: where protocols end (ARDS Network, N Engl J Med 2000;342:1301); a rate as high is a limit and no choice."""
LITRES_PER_MINUTE = 1.0 / 60_000.0  # of mL/h
DEFAULT_AGE_Y, DEFAULT_HEIGHT_CM, DEFAULT_WEIGHT_KG = 63.0, {"female": 162.0, "male": 176.0, None: 169.0}, 80.0
"""Typical adults in intensive care, where the record does not say (assumed; median of the CLIF demo stays)."""
NEEDS_OXYGEN = ("arterial_oxygen_pressure", "arterial_saturation", "oxygenation_chosen")


class Row(NamedTuple):
    """One datum: known at ``time`` (h), true at ``effective`` (h), under ``settings`` that hold since the row before.

    value, kind  [C]
    """

    time: float
    effective: float
    settings: Any
    value: Float[np.ndarray, " C"]
    kind: Int[np.ndarray, " C"]


class Assumed(NamedTuple):
    """What the record does not say of the person, and what was taken instead."""

    what: tuple[str, ...]


def context(person: Person) -> tuple[Any, Assumed]:
    """The model's context for a person; height, weight, age and sex that are missing are typical ones, and named."""
    missing = [name for name in ("sex", "age_y", "height_cm", "weight_kg") if getattr(person, name) is None]
    height = person.height_cm or DEFAULT_HEIGHT_CM[person.sex]
    body = family("physiology").body(
        female=person.sex == "female",
        age=DEFAULT_AGE_Y if person.age_y is None else person.age_y,
        height=height,
        weight=person.weight_kg or DEFAULT_WEIGHT_KG,
    )
    return body, Assumed(tuple(missing))


ROOM_AIR, NOMINAL_OXYGEN = 0.21, 0.35
"""Inspired fraction of oxygen in air; and of what is charted above it for a mask or cannula, what reaches the lung of
somebody who breathes alone and draws in air beside it (chosen on CLIF demo stays: with more, saturations are foretold
that people on a nominal 0.5 to 1.0 do not have)."""


def settings_at(record: BedsideRecord, time_h: float, predicted_weight: float) -> tuple[Any, bool]:
    """Inputs at a time from what was set by then, and whether the inspired fraction of oxygen is known.

    An infusion that was never charted does not run; a ventilator setting that was never charted is an assumption:
    7 mL/kg, 16 breaths, PEEP 5, support 10.
    """
    physiology = family("physiology")

    def held(name: str, otherwise: float = np.nan) -> float:
        signal = record.settings.get(name)
        value = float(signal.held_at(np.array([time_h]))[0]) if signal is not None and len(signal) else np.nan
        return otherwise if np.isnan(value) else value

    mode = held("ventilator_mode")
    if np.isnan(mode):
        mode = 1.0 if not np.isnan(held("tidal_volume_set")) else 4.0 if not np.isnan(held("peep")) else 0.0
    volume = held("tidal_volume_set")
    if mode == 8.0:
        mode = 4.0 if np.isnan(volume) else 1.0
    if mode == 7.0:
        mode = 4.0
    if mode == 2.0 and np.isnan(held("inspiratory_pressure")):
        mode = 3.0  # the pressure is not known, the volume that it brings is
    if mode in (1.0, 3.0, 5.0, 6.0) and np.isnan(volume):
        volume = _latest(record.observations.get("tidal_volume"), time_h, 12.0, 0.007 * predicted_weight)
    rate = held("respiratory_rate_set", 16.0 if mode in (1.0, 2.0, 3.0) else 4.0)
    pressure = held("inspiratory_pressure" if mode == 2.0 else "pressure_support", 12.0 if mode == 2.0 else 10.0)
    inspiration = held("inspiratory_time", 0.0) * rate / 60.0
    fio2 = held("fio2")
    if mode == 0.0:
        fio2 = ROOM_AIR + NOMINAL_OXYGEN * (fio2 - ROOM_AIR)
    infusions = {name: held(name, 0.0) for name in physiology.Infusions._fields}
    numbers = physiology.Settings(
        mode=mode,
        fio2=ROOM_AIR if np.isnan(fio2) and mode == 0.0 else 0.4 if np.isnan(fio2) else fio2,
        peep=held("peep", 5.0),
        tidal_volume=0.007 * predicted_weight if np.isnan(volume) else volume,
        rate=rate,
        pressure=pressure,
        inspiratory_fraction=inspiration if inspiration < 0.8 else 0.0,
        relaxed=held("neuromuscular_block", 0.0),
        infusions=physiology.Infusions(**infusions),
        crystalloid=held("crystalloid", 0.0) * LITRES_PER_MINUTE,
        colloid=held("colloid", 0.0) * LITRES_PER_MINUTE,
        red_cells=held("red_cells", 0.0) * LITRES_PER_MINUTE,
        bleeding=0.0,
        temperature=_mean(record.observations.get("temperature"), time_h, FRESH_TEMPERATURE_H, 37.0),
        inspired_carbon_dioxide=0.0,
    )
    return _arrays(numbers), not np.isnan(fio2)


def _latest(signal: Signal | None, time_h: float, within_h: float, otherwise: float) -> float:
    if signal is None or not len(signal):
        return otherwise
    known = (signal.received_h <= time_h) & (signal.quality == Quality.GOOD) & (signal.time_h > time_h - within_h)
    rows = np.flatnonzero(known)
    return float(signal.value[rows[-1]]) if len(rows) else otherwise


def _mean(signal: Signal | None, time_h: float, within_h: float, otherwise: float) -> float:
    if signal is None or not len(signal):
        return otherwise
    known = (signal.received_h <= time_h) & (signal.quality == Quality.GOOD) & (signal.time_h > time_h - within_h)
    return float(np.mean(signal.value[known])) if known.any() else otherwise


def _arrays(settings: Any) -> Any:
    return type(settings)(
        *(
            type(field)(*(np.asarray(float(v)) for v in field))
            if isinstance(field, tuple)
            else np.asarray(float(field))
            for field in settings
        )
    )


def rows(record: BedsideRecord, *, start_h: float = -np.inf, stop_h: float = np.inf, chosen: bool = False) -> list[Row]:
    """Every datum of a record in order of arrival: good values only, those charted together in one row.

    start_h, stop_h  window of arrival (h); a late result keeps its own, earlier, effective time
    chosen           whether an earlier row had the evidence of who chose the ventilation (only the first has)
    """
    names = family("physiology").channels
    index = {name: i for i, name in enumerate(names)}
    found: dict[tuple[int, int], dict[int, float]] = {}
    times: dict[tuple[int, int], tuple[float, float]] = {}
    for name, signal in _used(record, index).items():
        good = (signal.quality == Quality.GOOD) & (signal.received_h >= start_h) & (signal.received_h <= stop_h)
        for row in np.flatnonzero(good & np.isfinite(signal.value)):
            received, effective = float(signal.received_h[row]), float(signal.time_h[row])
            place = (round(received / TOGETHER_H), round(effective / TOGETHER_H))
            found.setdefault(place, {})[index[name]] = float(signal.value[row])
            known = times.get(place, (received, effective))
            times[place] = (max(received, known[0]), max(effective, known[1]))
    body, _ = context(record.person)
    weight = float(body.predicted_weight)
    answer = [_row(record, *times[place], values, index, weight) for place, values in sorted(found.items())]
    answer = [row for row in answer if row.kind.any()]
    return answer if chosen else _begun_by_choice(answer, index)


def _begun_by_choice(found: list[Row], index: dict[str, int]) -> list[Row]:
    """The rows, the first under a ventilator with the evidence of the choice: nobody was ventilated at random before
    the first gas.
    """
    for number, row in enumerate(found):
        if ventilation_was_chosen(row.settings):
            kind = row.kind.copy()
            kind[index["ventilation_chosen"]] = 1
            found[number] = row._replace(kind=kind)
            break
    return found


def _row(
    record: BedsideRecord, time: float, effective: float, values: dict[int, float], index: dict[str, int], weight: float
) -> Row:
    settings, oxygen_known = settings_at(record, effective, weight)
    kind, value = np.zeros(len(index), dtype=int), np.ones(len(index))
    for i, number in values.items():
        value[i], kind[i] = number, 1
    if kind[index["arterial_oxygen_pressure"]] and oxygen_known and settings.mode > 0:
        kind[index["oxygenation_chosen"]] = 1  # staff chose settings that give about what they aim for
    if kind[index["arterial_carbon_dioxide_pressure"]] and ventilation_was_chosen(settings):
        kind[index["ventilation_chosen"]] = 1
    if not oxygen_known:
        kind[[index[name] for name in NEEDS_OXYGEN]] = 0
    if settings.mode == 0:
        kind[
            [index[name] for name in ("plateau_pressure", "peak_pressure", "mean_airway_pressure", "tidal_volume")]
        ] = 0
    if (
        time > effective + TOGETHER_H
    ):  # a late result is compared with the state of its own time; the present inputs are those of now
        settings, _ = settings_at(record, time, weight)
    return Row(time, effective, settings, value, kind)


def ventilation_was_chosen(settings: Any) -> bool:
    """Whether settings tell which carbon dioxide staff aim for: on a ventilator, and not at the end of its range."""
    return bool(settings.mode > 0 and settings.rate < HIGHEST_CHOSEN_RATE)


def _used(record: BedsideRecord, index: dict[str, int]) -> dict[str, Signal]:
    """The signals that are channels of the model, and pulse pressure from the two that were charted together."""
    used = {name: signal for name, signal in record.observations.items() if name in index}
    systolic, diastolic = (record.observations.get(f"{part}_pressure") for part in ("systolic", "diastolic"))
    if systolic is not None and diastolic is not None:
        used["pulse_pressure"] = _difference(systolic, diastolic)
    return used


def _difference(upper: Signal, lower: Signal) -> Signal:
    _, i, j = np.intersect1d(upper.time_h, lower.time_h, return_indices=True)
    value = upper.value[i] - lower.value[j]
    bad: Bool[np.ndarray, " n"] = (value < 8.0) | (value > 160.0)
    quality = np.maximum(np.maximum(upper.quality[i], lower.quality[j]), np.where(bad, int(Quality.SUSPECT), 0))
    return Signal.of(upper.time_h[i], value, np.maximum(upper.received_h[i], lower.received_h[j]), quality)
