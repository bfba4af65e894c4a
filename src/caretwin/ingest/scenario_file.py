"""Reads a scenario of ``caretwin simulate`` from TOML: every quantity with its unit, nothing guessed in silence.

A quantity is written with its unit, as text (``peep = "10 cmH2O"``) or with the unit in the key (``peep_cmH2O = 10``);
only pure numbers (fio2, severity, inspiratory_fraction) stand alone. Unknown keys, missing units and values that no
patient and no machine has are errors that say what was seen, what was wanted and how to put it right.
"""

import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from caretwin.base.errors import DataError, DomainError
from caretwin.ingest.scenario_values import MODES, Reader
from caretwin.record.bedside import Person
from caretwin.record.scenario import VOLUMES, Change, Scenario

SECTIONS = ("title", "patient", "run", "start", "change")
PATIENT = ("sex", "age", "height", "weight", "condition", "severity")
MODE_NEEDS: Mapping[int, tuple[str, ...]] = {
    0: (),
    1: ("tidal_volume", "rate", "peep", "fio2"),
    2: ("pressure", "rate", "peep", "fio2"),
    3: ("tidal_volume", "rate", "peep", "fio2"),
    4: ("pressure", "peep", "fio2"),
    5: ("tidal_volume", "rate", "peep", "fio2"),
    6: ("tidal_volume", "peep", "fio2"),
    7: ("pressure", "peep", "fio2"),
}
"""What must be known in a mode (codes of the bedside record)."""
UNUSED: Mapping[int, tuple[str, ...]] = {
    0: ("tidal_volume", "rate", "peep", "pressure", "inspiratory_fraction"),
    1: ("pressure",),
    2: ("tidal_volume",),
    3: ("pressure",),
    4: ("tidal_volume", "rate", "inspiratory_fraction"),
    5: ("pressure", "inspiratory_fraction"),
    6: ("pressure", "inspiratory_fraction"),
    7: ("tidal_volume", "inspiratory_fraction"),
}
"""What changes nothing in a mode."""
CONTROLLED = (1, 2, 3, 5)
_NAMES = {code: word for word, code in reversed(MODES.items())}
"""The first word for each mode."""
MOST_ROWS = 20_000


def read_scenario(path: str | Path) -> Scenario:
    """The scenario of a TOML file.

    Raises DataError for what is not TOML, unknown or missing; UnitError for a unit that is missing or of another kind;
    DomainError for a value outside what patients and machines have.
    Example: see examples/scenario_ards_peep.toml.
    """
    path = Path(path)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise DataError(
            f"scenario {path.name}",
            seen=str(problem),
            wanted="a file in TOML",
            fix="correct the line named; text stands in double quotes, sections in [brackets]",
        ) from problem
    return scenario_of(table, path.name)


def scenario_of(table: Mapping[str, Any], where: str = "scenario") -> Scenario:
    """The scenario of a table, as :func:`read_scenario` reads it."""
    _known(table, SECTIONS, where)
    for section in ("patient", "start"):
        if not isinstance(table.get(section), Mapping):
            raise DataError(
                f"section [{section}] of {where}",
                seen="none" if section not in table else "something that is not a section",
                wanted=f"[{section}] with " + (", ".join(PATIENT) if section == "patient" else "mode and settings"),
                fix=f"add a line [{section}] and its keys below it",
            )
    person, condition, severity = _patient(table["patient"], f"[patient] of {where}")
    reader = Reader(person)
    run = _run(table.get("run", {}), f"[run] of {where}", reader)
    notes: list[str] = []
    start = _complete({}, reader.settings(table["start"], f"[start] of {where}"), f"[start] of {where}", notes)
    _nothing_lost_before(start, f"[start] of {where}")
    changes = _changes(table.get("change", []), where, reader, run["duration"], start, notes)
    return Scenario(
        title=str(table.get("title", Path(where).stem)),
        person=person,
        condition=condition,
        severity=severity,
        start=start,
        changes=changes,
        duration_min=run["duration"],
        every_min=run["every"],
        settle_h=run["settle"],
        assumed=tuple(dict.fromkeys(notes)),
    )


def _known(table: Mapping[str, Any], names: tuple[str, ...], where: str) -> None:
    unknown = [name for name in table if name not in names]
    if unknown:
        raise DataError(
            where,
            seen=f"unknown key {unknown[0]!r}",
            wanted="one of " + ", ".join(names),
            fix="correct the spelling, or take the key out",
        )


def _patient(table: Mapping[str, Any], where: str) -> tuple[Person, str, float | str]:
    reader = Reader(None)
    found = reader.quantities(table, where, ("age", "height", "weight"), ("sex", "condition", "severity"))
    for name in ("sex", "age", "height", "weight", "condition"):
        if name not in found:
            raise DataError(
                where,
                seen=f"no {name}",
                wanted=f"the {name} of the patient",
                fix={"sex": 'add sex = "female" or "male"', "condition": 'add condition = "healthy", "ARDS", ...'}.get(
                    name, f"add {name} with its unit, such as " + reader.example(name)
                ),
            )
    sex = str(found["sex"]).strip().lower()
    if sex not in ("female", "male"):
        raise DataError(
            f"sex in {where}", seen=repr(found["sex"]), wanted='"female" or "male"', fix="write one of them"
        )
    condition = str(found["condition"])
    severity = found.get("severity")
    if severity is None:
        if condition.strip().lower() not in ("healthy", "health", "normal", "intensive_care", "intensive care", "icu"):
            raise DataError(
                where,
                seen=f"condition {condition!r} without a severity",
                wanted="a severity from 0 to 1",
                fix='add severity = 0.6, or "mild", "moderate", "severe"',
            )
        severity = 0.0
    if isinstance(severity, bool) or not isinstance(severity, (int, float, str)):
        raise DataError(f"severity in {where}", seen=repr(severity), wanted="a number from 0 to 1", fix="write 0.6")
    person = Person("typical", sex, float(found["age"]), float(found["height"]), float(found["weight"]))  # type: ignore[arg-type]
    return person, condition, severity if isinstance(severity, str) else float(severity)


def _run(table: Mapping[str, Any], where: str, reader: Reader) -> dict[str, float]:
    found = reader.quantities(table, where, ("duration", "every", "settle"))
    run = {"duration": 60.0, "every": 1.0, "settle": 12.0} | {name: float(value) for name, value in found.items()}
    if run["duration"] / run["every"] > MOST_ROWS:
        raise DomainError(
            where,
            seen=f"{run['duration']:g} min in rows every {run['every']:g} min",
            wanted=f"at most {MOST_ROWS} rows",
            fix="make `every` longer or `duration` shorter",
        )
    return run


def _nothing_lost_before(start: Mapping[str, float], where: str) -> None:
    for name in VOLUMES:
        if start.get(name, 0.0) > 0:
            raise DataError(
                where,
                seen=f"{name} before minute 0",
                wanted="fluids and bleeding from minute 0 on, because the patient settles for hours before it",
                fix=f'move it into [[change]] with at = "0 min" and, where it ends, lasts = "30 min" ({name})',
            )


def _complete(
    before: Mapping[str, float], given: Mapping[str, float], where: str, notes: list[str]
) -> dict[str, float]:
    """Everything that holds once ``given`` is set on top of ``before``; DataError when the mode lacks a setting."""
    values = {**before, **given}
    if "ventilator_mode" not in values:
        raise DataError(
            where,
            seen="no mode",
            wanted="how the patient breathes",
            fix='add mode = "spontaneous", "volume control", "pressure control", "pressure support" or another',
        )
    mode = int(values["ventilator_mode"])
    for name in MODE_NEEDS[mode]:
        if name not in values:
            raise DataError(
                where,
                seen=f"no {name} in this mode",
                wanted=", ".join(MODE_NEEDS[mode]),
                fix=f"add {name}, such as {Reader(None).example(name)}"
                + (', or pressure = "0 cmH2O" for CPAP alone' if mode == 4 and name == "pressure" else ""),
            )
    _say_what_is_assumed(before, given, values, mode, notes)
    return values


def _say_what_is_assumed(
    before: Mapping[str, float], given: Mapping[str, float], values: dict[str, float], mode: int, notes: list[str]
) -> None:
    if mode == 0 and "fio2" not in values:
        notes.append("fio2 not given: room air, 0.21")
    if mode in CONTROLLED and "inspiratory_fraction" not in (*values, *UNUSED[mode]):
        values["inspiratory_fraction"] = 1.0 / 3.0
        notes.append("I:E not given: 1:2")
    for name in UNUSED[mode]:
        if name in given:
            notes.append(f"{name} given, but {_NAMES[mode]} does not use it: it changes nothing")
    changed = "ventilator_mode" in given and given["ventilator_mode"] != before.get("ventilator_mode")
    if "relaxed" not in given and changed:
        values["relaxed"] = float(mode in CONTROLLED)
        if mode in CONTROLLED:
            notes.append("relaxed not given: passive in a mode in which the ventilator makes every breath")


def _changes(
    rows: Any, where: str, reader: Reader, duration: float, start: Mapping[str, float], notes: list[str]
) -> tuple[Change, ...]:
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise DataError(
            f"changes of {where}",
            seen="something that is not a list of sections",
            wanted="[[change]] with at and what changes, once for every change",
            fix="write [[change]] with two brackets",
        )
    changes = []
    for number, row in enumerate(rows, 1):
        place = f"[[change]] {number} of {where}"
        times = reader.quantities({k: v for k, v in row.items() if reader.is_time(k)}, place, ("at", "lasts"))
        if "at" not in times:
            raise DataError(place, seen="no time", wanted="when it happens", fix='add at = "10 min"')
        lasts = times.get("lasts")
        values = reader.settings({k: v for k, v in row.items() if not reader.is_time(k)}, place, lasts)
        if not values:
            raise DataError(
                place, seen="nothing that changes", wanted="at least one setting", fix="add one, or take the change out"
            )
        if times["at"] > duration or not math.isfinite(times["at"]):
            raise DomainError(
                place,
                seen=f"at {times['at']:g} min",
                wanted=f"a time within the run, 0 to {duration:g} min",
                fix="make [run] duration longer, or the time earlier",
            )
        changes.append(Change(times["at"], values, lasts))
    ordered = tuple(sorted(changes, key=lambda change: change.at_min))
    return _completed(ordered, start, where, notes)


def _completed(
    changes: tuple[Change, ...], start: Mapping[str, float], where: str, notes: list[str]
) -> tuple[Change, ...]:
    """Each change with what a new mode brings along; DataError when a mode lacks a setting."""
    held, found = dict(start), []
    for change in changes:
        after = _complete(held, change.values, f"change at {change.at_min:g} min of {where}", notes)
        new = {name: value for name, value in after.items() if name in change.values or held.get(name) != value}
        found.append(Change(change.at_min, new, change.lasts_min))
        if change.lasts_min is None:
            held = after
    return tuple(found)
