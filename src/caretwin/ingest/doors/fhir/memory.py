"""What resources said lately: so that a component which a correction drops, and a resource that is deleted, are taken
back.

Where a sender gives no version, the order of receipt does: the version is then when it was received.

A door never reads the record. It remembers the last resources in memory; what it no longer remembers has to be taken
back by its sender (status entered-in-error). When somebody is erased all of it goes: what was remembered of the person
would be written back.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import TypeAlias

from caretwin.ingest.decoded import CodedValue, Decodable
from caretwin.ingest.doors.fhir.bundle import Message, One
from caretwin.ingest.doors.fhir.strict_json import refusal
from caretwin.ingest.erasures import Erasures
from caretwin.record.entry import Event, Status

MOST = 20_000
"""Resources that are remembered (assumed: an hour of a ward; some 20 MB)."""
Named: TypeAlias = "CodedValue | Event"


class Memory:
    """The latest version of each of the last resources."""

    def __init__(self, erasures: Erasures, most: int = MOST) -> None:
        self._erasures, self._most = erasures, most
        self._known: OrderedDict[str, tuple[Named, ...]] = OrderedDict()
        self._last = 0

    def completed(self, message: Message, now: int | None = None) -> Message:
        """The message with what it takes back without saying so. A deletion of what is not remembered is refused.

        now  when it was received (us): the version of what comes without one. None: it came earlier (a replay), and
             what has no version stands behind all that came since
        """
        if now is not None:
            message = self._ordered(message, max(now, self._last + 1))
        if not any(one.deleted or one.name in self._known for one in message.entries):
            return message
        self._forget_erased()
        return message._replace(
            entries=tuple(self._completed(one, i, message) for i, one in enumerate(message.entries))
        )

    def remember(self, message: Message) -> None:
        """Keep in mind what was committed: of a transaction all or nothing."""
        if self._forget_erased():  # it may have been committed before
            return
        if message.bundle == "transaction" and any(one.refused is not None for one in message.entries):
            return
        for one in message.entries:
            if not one.name or one.refused is not None:
                continue
            parts = tuple(part for part in one.parts if isinstance(part, CodedValue | Event))
            if _version(parts) < _version(self._known.get(one.name, ())):
                continue
            self._known.pop(one.name, None)
            if alive := tuple(part for part in parts if part.status != Status.RETRACTED):
                self._known[one.name] = alive
        while len(self._known) > self._most:
            self._known.popitem(last=False)

    def _forget_erased(self) -> bool:
        """Whether somebody was erased since the last look: then nothing is remembered any more."""
        happened = self._erasures.happened()
        if happened:
            self._known.clear()
        return happened

    def _ordered(self, message: Message, at: int) -> Message:
        """The message with versions where its sender gave none; what was said just before keeps its own."""
        times, entries, self._last = dict[str, int](), list[One](), at
        for one in message.entries:
            parts = tuple(part for part in one.parts if isinstance(part, CodedValue | Event))
            if not parts or _version(parts):
                entries.append(one)
                continue
            before = times.get(one.name, 0)
            times[one.name] = before + 1
            known = self._known.get(one.name, ())
            version = _version(known)
            if before or _with_version(parts, version) != known:
                version = max(at + before, version + 1)
                self._last = max(self._last, at + before)
            entries.append(one._replace(parts=_with_version(one.parts, version)))
        return message._replace(entries=tuple(entries), received=at) if times else message

    def _completed(self, one: One, i: int, message: Message) -> One:
        known = self._known.get(one.name, ())
        if one.deleted:
            return one._replace(parts=_taken_back(known, _version(known) + 1)) if known else _unknown(one, i, message)
        if one.refused is not None or not known:
            return one
        said = {_key(part) for part in one.parts if isinstance(part, CodedValue | Event)}
        version = _version(one.parts) if said else _version(known)
        dropped = tuple(part for part in known if _key(part) not in said)
        if not dropped or version < _version(known):
            return one
        return one._replace(parts=(*one.parts, *_taken_back(dropped, version)))


def _taken_back(parts: tuple[Named, ...], version: int) -> tuple[Named, ...]:
    return tuple(
        replace(part, value=None, note=None, status=Status.RETRACTED, version=version)
        if isinstance(part, CodedValue)
        else replace(part, body={}, status=Status.RETRACTED, version=version)
        for part in parts
    )


def _with_version(parts: tuple[Decodable, ...], version: int) -> tuple[Decodable, ...]:
    return tuple(replace(part, version=version) if isinstance(part, CodedValue | Event) else part for part in parts)


def _version(parts: tuple[object, ...]) -> int:
    return max((part.version for part in parts if isinstance(part, CodedValue | Event)), default=0)


def _key(part: Named) -> tuple[str, str]:
    return (part.device if isinstance(part, CodedValue) else "", part.source_id)


def _unknown(one: One, i: int, message: Message) -> One:
    place = f"Bundle.entry[{i}].request.url" if message.bundle else one.name.partition("/")[0]
    seen, wanted = "a resource that is no longer remembered here", "one of those that came last"
    fix = "send the resource itself with status entered-in-error: that always takes it back"
    return one._replace(refused=refusal(place, seen, wanted, fix, "not-found").refusal)
