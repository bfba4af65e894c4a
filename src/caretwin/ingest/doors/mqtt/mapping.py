"""The mapping file of an MQTT door: a TOML file with one ``[[topic]]`` for each kind of topic (docs/doors/mqtt.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from caretwin.base.errors import DataError
from caretwin.ingest.doors.mqtt.rules import TopicRule, ValueRule
from caretwin.ingest.doors.mqtt.times import UNITS
from caretwin.ingest.doors.mqtt.topics import topic_pattern
from caretwin.ingest.doors.toml_file import check, coded, subject_of, table_of, words_of
from caretwin.ingest.meanings import by_line

TOPIC_KEYS = {
    "pattern": str, "subject": dict, "value": list, "time": str, "time_unit": str, "zone": str, "samples": str,
    "interval": float, "device": str, "id": str,
}  # fmt: skip
VALUE_KEYS = {"at": str, "code": str, "system": str, "unit": str, "unit_at": str, "words": dict}


def read_topics(path: str | Path) -> tuple[TopicRule, ...]:
    """The rules of a mapping file, in its order: the first pattern that fits a topic holds.

    Raises DataError with the place for whatever is wrong in it.
    """
    table = table_of(path)
    check(table, {"topic": list}, f"{path}", ("topic",))
    with by_line(path):
        return tuple(_topic(entry, f"{path}, topic {number}") for number, entry in enumerate(table["topic"], start=1))


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


def _value(entry: Any, where: str) -> ValueRule:
    check(entry, VALUE_KEYS, where, ("code",))
    code = coded(entry["code"], entry.get("system", ""), "local:mqtt", where, entry.get("unit", ""))
    words = words_of(entry.get("words"), where)
    return ValueRule(entry.get("at", ""), code, entry.get("unit", ""), entry.get("unit_at", ""), words)
