"""What came before its code was mapped, mapped now: values that stand under codes of senders, said anew as channels.

A mapping that was corrected corrects what it had mapped before. Each goes the way of a value that comes in now
(:mod:`caretwin.ingest.translate`), with the time at which it was true, and received when it is mapped: nobody knew
before what it means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from caretwin.ingest.decoded import Code, CodedValue
from caretwin.ingest.mapping import IGNORE, CodeMapping
from caretwin.ingest.translate import Translator
from caretwin.ingest.unusable import UNTIMELY, Unusable, is_unusable, unusable
from caretwin.record.access import Actor
from caretwin.record.bedside import Quality
from caretwin.record.entry import Batch, Identifier, Observation, Remapped, SubjectRef
from caretwin.record.reading import Reading
from caretwin.record.record import Record
from caretwin.record.store import keep
from caretwin.record.store.foreign import MAPPED_FROM, MARK, SERIES_AT_ONCE, Foreign, Standing, Taken

AT_ONCE = 2_000
"""Values of one commit, so that whoever writes beside it does not wait long (assumed)."""
_SOMEBODY = SubjectRef((Identifier("caretwin", "somebody"),))
"""Whom a value is about does not change what it means."""

Note: TypeAlias = "Mapping[str, Any] | None"
MappingOf: TypeAlias = "Callable[[str], CodeMapping | None]"
"""The mapping of a door, by its name; None: what came through it stays as it is, and is not spoken of."""


class Change(NamedTuple):
    """What becomes of one code of one source in one unit.

    channel  "" where its values cannot be converted, and IGNORE where nobody needs them
    values   how many are said anew; never  one of them that can never be used, as an example, and how many they are
    """

    source: str
    code: str
    unit: str
    channel: str
    values: int = 0
    unusable: int = 0
    never: Unusable | None = None


@dataclass
class Plan:
    """What a mapping would change: ``changes`` in the order in which codes came; ``left`` are those still unmapped."""

    changes: list[Change] = field(default_factory=list)
    left: int = 0

    @property
    def values(self) -> int:
        """How many values are said anew."""
        return sum(one.values for one in self.changes)

    @property
    def unusable(self) -> int:
        """How many of them can never be used."""
        return sum(one.unusable for one in self.changes)


def plan(record: Record, actor: Actor, mapping_of: MappingOf) -> Plan:
    """What would be changed; nothing is. Raises AccessDeniedError where the actor may not read."""
    reading = record.reading(actor)
    found: dict[tuple[str, str, str, str], Change] = {}
    for remapped in entries(reading, mapping_of):
        door, before = _door(remapped.source), remapped.before
        channel = "" if MARK in remapped.code else remapped.code
        key = (door, before["code"], before["unit"], channel)
        known = found.get(key, Change(*key))
        never = _never(remapped) if is_unusable(remapped) else None
        found[key] = known._replace(
            values=known.values + 1, unusable=known.unusable + (never is not None), never=never or known.never
        )
    listed = [one for one in _listed(record, reading) if mapping_of(one.source) is not None]
    ignored = [one for one in listed if _channel(one, mapping_of) == IGNORE]
    unneeded = [Change(one.source, f"{one.system}{MARK}{one.code}", one.unit, IGNORE) for one in ignored]
    return Plan([*found.values(), *unneeded], sum(_channel(one, mapping_of) is None for one in listed))


def remap(record: Record, actor: Actor, mapping_of: MappingOf, clock: Callable[[], int]) -> int:
    """Say anew what the mapping knows by now; returns how many values were. A second time there are none.

    Each commit is authorised and audited for everybody whom it is about. Codes that are mapped leave the list of those
    that are not. Raises AccessDeniedError.
    """
    reading = record.reading(actor)
    listed = _listed(record, reading)
    waiting, done = list[Remapped](), 0
    for entry in entries(reading, mapping_of):
        waiting.append(entry)
        if len(waiting) == AT_ONCE:
            done, waiting = done + _write(record, actor, waiting, clock()), []
    if waiting:
        done += _write(record, actor, waiting, clock())
    known = [one for one in listed if _channel(one, mapping_of) is not None]
    if known:
        with record.writing(actor, "write", f"{len(known)} codes that are mapped now") as connection:
            keep.mapped(connection, known)
    return done


def _listed(record: Record, reading: Reading) -> list[keep.Unmapped]:
    reading.of([""])
    return keep.unmapped(record.connection())


def _write(record: Record, actor: Actor, values: list[Remapped], now: int) -> int:
    said = f"{len(values)} values whose codes are mapped now"
    (receipt,) = record.append(actor, [Batch(tuple(values), now, actor.name, said)])
    return len(values) - receipt.duplicates


def entries(reading: Reading, mapping_of: MappingOf) -> Iterator[Remapped]:
    """Every value that the mapping understands and that stands under a code of its sender, as it is said anew; and
    every one that was remapped before, where the mapping says otherwise by now: by what its source had said.
    """
    series = [one for one in reading.foreign() if _understood(one, mapping_of(_door(one.source)))]
    for begin in range(0, len(series), SERIES_AT_ONCE):
        chunk = {one.place: one for one in series[begin : begin + SERIES_AT_ONCE]}
        doors = {_door(one.source) for one in chunk.values()}
        translators = {door: Translator(door, known) for door in doors if (known := mapping_of(door)) is not None}
        for value in _both(reading, list(chunk.values())):
            found = _anew(chunk[value.place], value, translators[_door(chunk[value.place].source)])
            if found is not None and value.taken != _taken(found):
                yield found


def _both(reading: Reading, series: list[Foreign]) -> list[Standing]:
    """What came in series and waits, and what was remapped."""
    return reading.at_once(lambda: [*reading.standing(series), *reading.remapped(series)])


def _understood(series: Foreign, mapping: CodeMapping | None) -> bool:
    if mapping is None:
        return False
    meaning = mapping.meaning(_door(series.source), [_code(series.code)], series.unit)
    return meaning is not None and meaning.channel != IGNORE


def _anew(series: Foreign, value: Standing, translator: Translator) -> Remapped | None:
    """A value as it is said anew; None where that changes nothing."""
    trouble = str(value.note.get("trouble", ""))
    note = {name: said for name, said in value.note.items() if name not in ("trouble", MAPPED_FROM)}
    device = series.source.partition("/")[2]
    said = CodedValue(
        _SOMEBODY, (_code(series.code),), value.effective, value.value, series.unit, "", value.version, value.status,
        device, note or None,
    )  # fmt: skip
    found, _ = translator.translate(said, value.received)
    if trouble.startswith(UNTIMELY):  # mapped or not, it said something of a time of which it can not be
        return _remapped(series, value, found, {**(found.note or {}), "trouble": trouble}, Quality.REFUSED)
    if value.taken is None and found.code == series.code and value.quality == Quality.REFUSED:
        return None
    return _remapped(series, value, found, found.note, found.quality)


def _taken(found: Remapped) -> Taken:
    return Taken(found.code, found.unit, found.value, found.quality, found.note or {})


def _remapped(series: Foreign, value: Standing, found: Observation, note: Note, quality: Quality) -> Remapped:
    return Remapped(
        series.subject, found.code, value.effective, found.value, series.source, "", value.version, value.status,
        quality, found.unit, note, of=value.sequence, origin=value.origin, named=value.named,
        before={"code": series.code, "unit": series.unit},
    )  # fmt: skip


def _never(entry: Remapped) -> Unusable:
    code, unit = entry.before["code"], entry.before["unit"]
    return unusable(0, CodedValue(_SOMEBODY, (_code(code),), entry.effective, entry.value, unit), entry)


def _channel(one: keep.Unmapped, mapping_of: MappingOf) -> str | None:
    """What a listed code means by now."""
    mapping = mapping_of(one.source)
    meaning = mapping.meaning(one.source, [Code(one.system, one.code)], one.unit) if mapping is not None else None
    return meaning.channel if meaning is not None else None


def _door(source: str) -> str:
    """The door of a source: the device stands behind it."""
    return source.partition("/")[0]


def _code(code: str) -> Code:
    system, _, name = code.partition(MARK)
    return Code(system, name)
