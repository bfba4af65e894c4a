"""A subject's part of the record as a bedside record: what the bedside models and commands read."""

from __future__ import annotations

import numpy as np

from caretwin.base.errors import DataError
from caretwin.base.time import from_microseconds
from caretwin.record.bedside import BedsideRecord, Person, Quality, Sex, Signal, channels
from caretwin.record.entry import StoredEvent
from caretwin.record.orders import UNNAMED, combined
from caretwin.record.reading import Reading
from caretwin.record.store.as_of import ALWAYS
from caretwin.record.store.read_observations import SeriesData

HOUR_US = 3_600_000_000
DAYS_PER_YEAR = 365.2425
_MIDDLE = {1: ("7", "1"), 2: ("15",)}  # of a year, of a month


def bedside_record(reading: Reading, subject: str, as_of: int = ALWAYS) -> BedsideRecord:
    """What is known of a subject at the bedside, as it was known at ``as_of`` (us): all of one moment of the record.

    Hour 0 is the first datum; several sources of one channel are put together. Age is that of hour 0, weight and
    height are the first known. Raises DataError for a subject of whom nothing of the bedside is known.

    Example: ``bedside_record(record.reading(operator()), "p0a1b2c3d4e5").observations["heart_rate"]``.
    """
    return reading.at_once(lambda: _bedside_record(reading, subject, as_of))


def _bedside_record(reading: Reading, subject: str, as_of: int) -> BedsideRecord:
    series = [one for one in reading.series(subject, as_of=as_of) if one.code in channels()]
    if not series:
        raise DataError(
            f"subject {subject}",
            seen="nothing of a bedside",
            wanted="vital signs, settings, infusions or laboratory values",
            fix="caretwin record show tells what there is; caretwin record unmapped what nobody has mapped",
        )
    origin = min(int(one.effective[0]) for one in series)
    observations, settings = dict[str, Signal](), dict[str, Signal]()
    for name in sorted({one.code for one in series}):
        signal = _together([one for one in series if one.code == name], origin)
        if len(signal):
            (settings if channels()[name].kind == "setting" else observations)[name] = signal
    person = _person(reading, subject, origin, as_of)
    return BedsideRecord(person, observations, settings, origin=from_microseconds(origin), zone="UTC")


def _together(parts: list[SeriesData], origin: int) -> Signal:
    """The rows of several sources; an observation without a value says nothing, a setting without one ends.

    What runs by several orders at once is their sum (see :mod:`caretwin.record.orders`).
    """
    channel = parts[0].code
    setting = channels()[channel].kind == "setting"
    time, received, value, quality = (
        np.concatenate([np.asarray(getattr(one, name), dtype=float) for one in parts])
        for name in ("effective", "received", "value", "quality")
    )
    said = np.isfinite(value) | setting
    hours, known = (time[said] - origin) / HOUR_US, (received[said] - origin) / HOUR_US
    orders = [str(one.note.get(row, {}).get("order", UNNAMED)) for one in parts for row in range(len(one))]
    named = [orders[row] for row in np.flatnonzero(said)]
    return combined(channel, hours, known, value[said], quality[said].astype(int), named)


def _person(reading: Reading, subject: str, origin: int, as_of: int) -> Person:
    events = reading.events(subject, ["person"], as_of=as_of)
    sexes: list[Sex] = [event.body["sex"] for event in events if event.body.get("sex") in ("female", "male")]
    births = [str(event.body["birth_date"]) for event in events if event.body.get("birth_date")]
    sizes: dict[str, list[tuple[int, float]]] = {}
    for one in reading.series(subject, ("weight", "height"), as_of=as_of):
        for row in np.flatnonzero((one.quality == Quality.GOOD) & np.isfinite(one.value)):
            sizes.setdefault(one.code, []).append((int(one.effective[row]), float(one.value[row])))
    first = {name: min(known)[1] for name, known in sizes.items()}
    return Person(
        subject,
        sexes[-1] if sexes else None,
        age(births[-1], origin) if births else None,
        first.get("height"),
        first.get("weight"),
        _word(events, "race"),
        _word(events, "ethnicity"),
    )


def age(birth_date: str, at: int) -> float | None:
    """Years from a birth date (year, year-month or date) to a time (us); the middle of what is not said.

    None where it cannot be read, or nobody can be as old.

    >>> round(age("1950-07-01", 1_751_328_000_000_000), 2)
    75.0
    """
    parts = birth_date[:10].split("-")
    try:
        year, month, day = (int(part) for part in [*parts, *_MIDDLE.get(len(parts), ())])
        born = np.datetime64(f"{year:04d}-{month:02d}-{day:02d}", "us").astype(np.int64)
    except ValueError:
        return None
    years = (at - int(born)) / (DAYS_PER_YEAR * 24 * HOUR_US)
    return years if 0.0 <= years <= 130.0 else None


def _word(events: list[StoredEvent], name: str) -> str | None:
    said = [str(event.body[name]) for event in events if event.body.get(name)]
    return said[-1] if said else None
