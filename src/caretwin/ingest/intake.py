"""What is common to all doors: decode, map, write, and only then acknowledge; keep what was refused, and why."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from caretwin.ingest.decoded import OF_SUBJECT, CodedValue, Decoded, Refusal, RefusedError
from caretwin.ingest.door import Door
from caretwin.ingest.erasures import Erasures
from caretwin.ingest.infusions import Weights, with_settings
from caretwin.ingest.mapping import CodeMapping
from caretwin.ingest.timely import Births, earliest_birth, trouble
from caretwin.ingest.translate import Translator
from caretwin.ingest.unusable import Tally, Unusable, is_unusable, unusable
from caretwin.record.access import Actor
from caretwin.record.bedside import Quality
from caretwin.record.conflict import IdentityConflictError
from caretwin.record.entry import Batch, Entry, Event, Identifier, Link, Observation, Receipt, Subject
from caretwin.record.record import Record
from caretwin.record.store import keep
from caretwin.record.writer import BusyError, Writer

PREVIEWED = 10
"""Decoded messages that a door keeps for a person to look at."""
WAIT_FOR_ROOM_S = 5.0
"""s that a message waits for room in the writer's queue before the sender is told to hold on."""
FLUSH_S = 2.0
"""s between two writings of the list of codes that nobody mapped."""


@dataclass
class DoorState:
    """How a door is doing.

    counters   messages, accepted, refused, entries, duplicates, unmapped, unusable, busy, reconnects, ...
    unusable   values that were kept and can never be used, by what they are and why
    last       the latest messages: when (us), what was decoded or why it was refused
    listening  where it can be reached or what it is connected to; "" while it is not
    trouble    the last thing that went wrong, in words
    """

    counters: Counter[str] = field(default_factory=Counter)
    unusable: Tally = field(default_factory=Tally)
    last: deque[tuple[int, str]] = field(default_factory=lambda: deque(maxlen=PREVIEWED))
    last_received: int | None = None
    listening: str = ""
    trouble: str = ""


class Outcome(NamedTuple):
    """What became of a message.

    result    "accepted": all is on the disk; "partly": what is good is, the rest waits in quarantine; "refused":
              nothing
              is, it waits in quarantine; "busy": nothing was kept, the sender has to send again
    receipt   of what was kept: sequences and subjects of the parts, in their order (0 and "" for one that the record
              did not keep); refused  why not, part by part
    unusable  values that were kept and can never be used, part by part
    """

    result: Literal["accepted", "partly", "refused", "busy"]
    receipt: Receipt | None = None
    refused: tuple[Refusal, ...] = ()
    unusable: tuple[Unusable, ...] = ()


class _Work(NamedTuple):
    """What is to be written of a message, and what of it can never be used."""

    batch: Batch
    unusable: Sequence[Unusable]


class _Kept(NamedTuple):
    """What the record made of a batch: None where it kept nothing; why not; how many entries."""

    receipt: Receipt | None
    refused: tuple[Refusal, ...]
    entries: int


class Intake:
    """The way from one door into the record.

    clock    microseconds UTC now: the received time of everything that comes in
    weights  body weight of a subject (kg), for infusions that are charted without it; None: those are refused for use
    births   when a subject can have been born at the earliest (us); None: nobody's values are of before that
    """

    def __init__(
        self,
        door: Door,
        record: Record,
        writer: Writer,
        translator: Translator,
        clock: Callable[[], int],
        weights: Weights | None = None,
        births: Births | None = None,
    ) -> None:
        self.door, self.state = door, DoorState()
        self._record, self._writer, self._translator, self.clock = record, writer, translator, clock
        self._weights, self._births = weights, births
        self._unmapped: dict[tuple[str, str, str, str], keep.Unmapped] = {}
        self._unmapped_since = 0
        self._flushed = 0.0
        self.actor = Actor(f"door:{door.kind}:{door.name}", "door")
        if isinstance(remembering := getattr(door, "erasures", None), Erasures):
            remembering.watch(record.reading(self.actor).erased)

    def use(self, mapping: CodeMapping) -> None:
        """Map by this from the next message on; called on the loop of the door, no message is mapped half by each."""
        self._translator = Translator(self.door.name, mapping)

    async def accept(self, raw: bytes, media: str = "") -> Outcome:
        """Take a message in; when this returns it is on the disk, in the record or in quarantine (unless "busy")."""
        self._count(messages=1)
        try:
            slow = getattr(self.door, "slow", False)
            decoded = await asyncio.to_thread(self.door.decode, raw, media) if slow else self.door.decode(raw, media)
        except RefusedError as error:
            return await self._refuse(raw, media, (error.refusal,))
        return await self.accept_decoded(decoded, raw, media)

    async def accept_decoded(
        self,
        decoded: Decoded,
        raw: bytes = b"",
        media: str = "",
        received: int | None = None,
        *,
        together: bool = False,
    ) -> Outcome:
        """As :meth:`accept`, for what the door has decoded already.

        received  when it could be known (us), for the replay of old data; None: now
        together  its parts are kept all or none
        Raises IdentityConflictError, only with ``together``, where the record knows the numbers of one part as several
        people's; without it, such parts are refused and the others kept.
        """
        work = self._work(decoded, received)
        if work is None:
            return await self._without_entries(decoded, raw, media)
        batch = work.batch
        try:
            kept = await self._commit(batch, together)
        except BusyError as error:
            self._count(busy=1)
            self.state.trouble = str(error)
            return Outcome("busy")
        await self._flush_unmapped()
        refused = decoded.refused + kept.refused
        if kept.receipt is None:
            return await self._refuse(raw, media, refused)
        self._count(accepted=1, entries=kept.entries, duplicates=kept.receipt.duplicates)
        receipt = _of_parts(kept.receipt, len(decoded.parts))
        never = tuple(one for one in work.unusable if receipt.subjects[one.part])
        self._note_unusable(never)
        self.state.last.append((batch.received, _preview(decoded, {one.part for one in never})))
        if refused:
            await self._quarantine(raw, media, refused, tuple(filter(None, receipt.subjects)))
            return Outcome("partly", receipt, refused, never)
        return Outcome("accepted", receipt, (), never)

    async def _commit(self, batch: Batch, together: bool) -> _Kept:
        """Write a batch without those of whom something contradicts the record about who is who; raises BusyError."""
        try:
            receipt = await asyncio.wrap_future(await self._submit(batch))
            return _Kept(receipt, (), len(batch.entries))
        except IdentityConflictError as error:
            if together:
                raise
            left = of_same_people(batch.entries, error.places)
            refused = (conflict(error),)
        entries = tuple(entry for place, entry in enumerate(batch.entries) if place not in left)
        if not entries:
            return _Kept(None, refused, 0)
        try:
            receipt = await asyncio.wrap_future(await self._submit(replace(batch, entries=entries)))
        except IdentityConflictError as error:  # what was left out told a merge that the rest needs
            return _Kept(None, (*refused, conflict(error)), 0)
        return _Kept(_with_gaps(receipt, left, len(batch.entries)), refused, len(entries))

    def accept_now(self, raw: bytes, media: str = "") -> Outcome:
        """As :meth:`accept`, for a door without an event loop: a folder, a file."""
        return asyncio.run(self.accept(raw, media))

    async def _submit(self, batch: Batch) -> Future[Receipt]:
        try:
            return self._writer.submit(self.actor, batch)
        except BusyError:
            return await asyncio.to_thread(self._writer.submit, self.actor, batch, wait_s=WAIT_FOR_ROOM_S)

    def _work(self, decoded: Decoded, received: int | None) -> _Work | None:
        """What is to be written; None where nothing is."""
        entries: list[Entry] = []
        settings: list[Entry] = []
        unmapped: list[keep.Unmapped] = []
        never: list[Unusable] = []
        now, born = self.clock(), self._born(decoded)
        for number, part in enumerate(decoded.parts):
            if isinstance(part, CodedValue):
                entry, unknown = self._translator.translate(part, now)
                entry = self._of_its_time(entry, entry.effective, now, born)
                entries.append(entry)
                if is_unusable(entry):
                    never.append(unusable(number, part, entry))
                if unknown is not None:
                    unmapped.append(unknown)
            elif isinstance(part, Event):
                event, more = with_settings(part, self._weights)
                entries.append(event)
                # an end that lies ahead waits for its time; what begins ahead is not believed, nor its end
                timely = [self._of_its_time(one, part.effective, now, born) for one in more]
                settings += timely
                never += [unusable(number, part, one) for one in timely if is_unusable(one)]
            else:
                entries.append(part)
        self._note_unmapped(unmapped)
        self.state.last_received = now
        known = now if received is None else received
        if not entries:
            return None
        return _Work(Batch((*entries, *settings), known, self.actor.name, decoded.message), never)

    def _of_its_time(self, entry: Observation, begun: int, now: int, born: Births) -> Observation:
        """The observation, refused for use where it can not be of its time (``begun``): of one that has not come it
        would hide what is true now. Doors of research data with shifted dates say so (``shifted``).
        """
        if getattr(self.door, "shifted", False):
            return entry
        why = trouble(begun, now, lambda: born(entry.subject))
        if not why:
            return entry
        return replace(entry, quality=Quality.REFUSED, note={**(entry.note or {}), "trouble": why})

    def _born(self, decoded: Decoded) -> Births:
        """Births as a message tells them, and else as the record knows them; each is looked up once."""
        known = dict[Subject, int | None]()
        for part in decoded.parts:
            if isinstance(part, Event) and part.kind == "person" and part.body.get("birth_date"):
                known[part.subject] = earliest_birth(str(part.body["birth_date"]))

        def born(subject: Subject) -> int | None:
            if subject not in known:
                known[subject] = self._births(subject) if self._births is not None else None
            return known[subject]

        return born

    async def _without_entries(self, decoded: Decoded, raw: bytes, media: str) -> Outcome:
        if decoded.refused:
            return await self._refuse(raw, media, decoded.refused)
        self._count(accepted=1, ignored=1)
        self.state.last.append((self.clock(), _preview(decoded)))
        return Outcome("accepted", Receipt((), 0, 0, ()))

    async def _refuse(self, raw: bytes, media: str, refused: tuple[Refusal, ...]) -> Outcome:
        await self._quarantine(raw, media, refused)
        self._count(refused=1)
        return Outcome("refused", None, refused)

    async def _quarantine(
        self, raw: bytes, media: str, refused: tuple[Refusal, ...], subjects: tuple[str, ...] = ()
    ) -> None:
        """Keep a message as it came: on the disk before the sender is answered; others go on meanwhile."""
        reason, now = "\n".join(str(one) for one in refused), self.clock()
        self.state.trouble = str(refused[0])
        self.state.last.append((now, f"refused: {refused[0]}"))
        if raw:
            await asyncio.to_thread(self._keep_raw, now, reason, media, raw, subjects)

    def _keep_raw(self, now: int, reason: str, media: str, raw: bytes, subjects: tuple[str, ...]) -> None:
        with self._record.writing(self.actor, "write", f"quarantine of {len(raw)} bytes", subjects) as connection:
            keep.quarantine(connection, now, self.door.name, reason, media, raw, subjects)

    def _note_unmapped(self, seen: list[keep.Unmapped]) -> None:
        """Count codes that nobody mapped; they are written now and then, for they are only a list to work through."""
        self._count(unmapped=len(seen))
        if seen and not self._unmapped:
            self._unmapped_since = self._record.reading(self.actor).epoch()
        for one in seen:
            key = (one.source, one.system, one.code, one.unit)
            known = self._unmapped.get(key)
            first, times = (known.first, known.times) if known else (one.first, 0)
            self._unmapped[key] = one._replace(first=first, times=times + one.times)

    def _note_unusable(self, never: Sequence[Unusable]) -> None:
        """Count what can never be used, once it is on the disk."""
        if never:
            self._count(unusable=len(never))
            self.state.unusable.add(never)

    async def _flush_unmapped(self) -> None:
        now = time.monotonic()
        if self._unmapped and now - self._flushed >= FLUSH_S:
            self._flushed = now
            await asyncio.to_thread(self.flush)

    def flush(self) -> None:
        """Write the codes that nobody mapped; a door that ends does it."""
        seen, self._unmapped = self._unmapped, {}
        if seen:
            with self._record.writing(self.actor, "write", f"{len(seen)} codes that nobody mapped") as connection:
                keep.note_unmapped(connection, seen.values(), self._unmapped_since)

    def _count(self, **more: int) -> None:
        self.state.counters.update({name: count for name, count in more.items() if count})


def conflict(error: IdentityConflictError) -> Refusal:
    """The refusal of parts whose numbers are of several people: it names who gives the numbers, and no number."""
    return Refusal(OF_SUBJECT, error.seen, error.wanted, error.fix, "conflict")


def of_same_people(entries: Sequence[Entry], places: Iterable[int]) -> frozenset[int]:
    """Places of all entries that share a number with those at ``places``: who is in doubt is joined with nobody, and
    given nothing.
    """
    doubtful = {number for place in places for number in _numbers(entries[place])}
    return frozenset(place for place, entry in enumerate(entries) if not doubtful.isdisjoint(_numbers(entry)))


def _numbers(entry: Entry) -> set[str | Identifier]:
    """All that an entry calls those whom it is about."""
    subjects = (entry.subject, entry.other) if isinstance(entry, Link) else (entry.subject,)
    return {name for one in subjects for name in ((one,) if isinstance(one, str) else one.identifiers)}


def _with_gaps(receipt: Receipt, left: frozenset[int], entries: int) -> Receipt:
    """A receipt by the places of all entries, where some were left out."""
    sequences, subjects = iter(receipt.sequences), iter(receipt.subjects)
    every = range(entries)
    return receipt._replace(
        sequences=tuple(0 if place in left else next(sequences) for place in every),
        subjects=tuple("" if place in left else next(subjects) for place in every),
    )


def _of_parts(receipt: Receipt, parts: int) -> Receipt:
    """A receipt without the entries that were made of parts."""
    return receipt._replace(sequences=receipt.sequences[:parts], subjects=receipt.subjects[:parts])


def _preview(decoded: Decoded, never: Collection[int] = ()) -> str:
    """A message in one line, without identifiers; never  places of parts that can never be used."""
    words = []
    parts = [
        (number, part)
        for number, part in enumerate(decoded.parts)
        if not (isinstance(part, Link) and (part.agreeing or part.alone))
    ]
    for number, part in parts[:6]:
        if isinstance(part, CodedValue):
            name = part.codes[0].display or part.codes[0].code if part.codes else "?"
            text = (part.note or {}).get("text", "absent")
            said = f"{name} {text if part.value is None else f'{part.value:g}'} {part.unit}".strip()
            words.append(f"{said} (never used)" if number in never else said)
        else:
            words.append(getattr(part, "kind", "merge"))
    more = len(parts) - len(words)
    text = ", ".join(words) + (f" and {more} more" if more > 0 else "")
    return text or f"nothing for the record ({', '.join(decoded.ignored) or 'empty'})"
