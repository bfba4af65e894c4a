"""The mapping file of an MQTT door: a TOML file with one ``[[topic]]`` for each kind of topic (docs/doors/mqtt.md)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from caretwin.base.errors import DataError
from caretwin.ingest.decoded import Code
from caretwin.ingest.doors.mqtt_payload import WORDS
from caretwin.ingest.doors.mqtt_rules import TopicRule, ValueRule
from caretwin.ingest.doors.mqtt_time import UNITS
from caretwin.ingest.doors.mqtt_topics import topic_pattern
from caretwin.record.entry import SubjectKind
from caretwin.record.vocabulary import vocabulary

TOPIC_KEYS = {
    "pattern": str, "subject": dict, "value": list, "time": str, "time_unit": str, "zone": str, "samples": str,
    "interval": float, "device": str, "id": str,
}  # fmt: skip
VALUE_KEYS = {"at": str, "code": str, "system": str, "unit": str, "unit_at": str, "words": dict}
SUBJECT_KEYS = {"system": str, "value": str, "kind": str}
_NAMES = {str: "a text", dict: "a table", list: "an array of tables", float: "a number"}


def read_topics(path: str | Path) -> tuple[TopicRule, ...]:
    """The rules of a mapping file, in its order: the first pattern that fits a topic holds.

    Raises DataError with the place for whatever is wrong in it.
    """
    table = table_of(path)
    check(table, {"topic": list}, f"{path}", ("topic",))
    return tuple(_topic(entry, f"{path}, topic {number}") for number, entry in enumerate(table["topic"], start=1))


def table_of(path: str | Path) -> dict[str, Any]:
    """A TOML file. Raises DataError for one that is missing or is no TOML."""
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as problem:
        seen = problem.strerror or "it cannot be read"
        raise DataError(f"{path}", seen=seen, wanted="a TOML file", fix="look at its name and its rights") from None
    except ValueError as problem:
        raise DataError(f"{path}", seen=str(problem), wanted="TOML in UTF-8", fix="mend the line") from None


def check(entry: Any, keys: Mapping[str, type], where: str, needed: Sequence[str] = ()) -> None:
    """Whether a table has the keys that it may have, of the right kind. Raises DataError otherwise."""
    if not isinstance(entry, dict):
        raise DataError(where, seen="no table", wanted=", ".join(keys), fix="write it as a table")
    strange = sorted(entry.keys() - keys.keys())
    missing = [name for name in needed if name not in entry]
    wrong = [name for name, kind in keys.items() if name in entry and not _is(entry[name], kind)]
    if strange or missing or wrong:
        seen = f"an unknown key {strange[0]!r}" if strange else f"no {missing[0]}" if missing else ""
        seen = seen or f"{wrong[0]} that is not {_NAMES[keys[wrong[0]]]}"
        raise DataError(where, seen=seen, wanted="keys among " + ", ".join(keys), fix="mend this table")


def _is(found: Any, kind: type) -> bool:
    return isinstance(found, int | float) and not isinstance(found, bool) if kind is float else isinstance(found, kind)


def _topic(entry: Any, where: str) -> TopicRule:
    check(entry, TOPIC_KEYS, where, ("pattern", "subject", "value"))
    system, value, kind = subject_of(entry["subject"], where)
    time_unit = entry.get("time_unit", "s")
    if time_unit not in UNITS:
        fix = "write one of them"
        raise DataError(where, seen=f"time_unit = {time_unit!r}", wanted=", ".join(UNITS), fix=fix)
    values = tuple(_value(one, f"{where}, value {i}") for i, one in enumerate(entry["value"], start=1))
    words = {name: entry.get(name, "") for name in ("time", "zone", "samples", "device", "id")}
    pattern = topic_pattern(entry["pattern"])
    return TopicRule(
        pattern, system, value, kind, values, time_unit=time_unit, interval=float(entry.get("interval", 0.0)), **words
    )


def subject_of(entry: Any, where: str) -> tuple[str, str, SubjectKind]:
    """System, value and kind of a subject's table. Raises DataError."""
    check(entry, SUBJECT_KEYS, f"{where}, subject", ("system", "value", "kind"))
    kinds: tuple[SubjectKind, ...] = get_args(SubjectKind)
    if entry["kind"] not in kinds:
        raise DataError(
            f"{where}, subject", seen=f"kind = {entry['kind']!r}", wanted=", ".join(kinds), fix="write one of them"
        )
    return entry["system"], entry["value"], entry["kind"]


def _value(entry: Any, where: str) -> ValueRule:
    check(entry, VALUE_KEYS, where, ("code",))
    code = coded(entry["code"], entry.get("system", ""))
    words = words_of(entry.get("words"), where)
    return ValueRule(entry.get("at", ""), code, entry.get("unit", ""), entry.get("unit_at", ""), words)


def coded(code: str, system: str = "") -> Code:
    """A code of a system; without one a channel of the vocabulary, or else a code of the site's own."""
    return Code(system or ("caretwin" if code in vocabulary() else "local:mqtt"), code)


def words_of(entry: Any, where: str) -> Mapping[str, float]:
    """What words mean, in small letters. Raises DataError for a word that is no number."""
    for word, value in (entry or {}).items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise DataError(where, seen=f"words.{word} that is no number", wanted="such as OPEN = 1", fix="mend it")
    return {word.casefold(): float(value) for word, value in entry.items()} if entry else WORDS
