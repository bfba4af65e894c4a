"""From a message to the record: in pieces that do not hold others up, and what one entry breaks stays its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from caretwin.ingest.decoded import Decoded, Refusal
from caretwin.ingest.doors.fhir.bundle import Message, One, read
from caretwin.ingest.doors.fhir.memory import Memory
from caretwin.ingest.doors.fhir.names import House
from caretwin.ingest.erasures import Erasures
from caretwin.ingest.intake import conflict
from caretwin.record.access import AccessDeniedError
from caretwin.record.conflict import IdentityConflictError
from caretwin.record.entry import Link

if TYPE_CHECKING:
    from caretwin.ingest.intake import Intake

IN_THREAD = 256 * 1024
"""Bytes above which a message is read beside the event loop: below, reading it takes some 10 ms at most."""
PIECE = 1000
"""Parts of a batch that are committed together (assumed: some 50 ms of work)."""


class Reader:
    """Reads messages of one door, and remembers what resources said lately."""

    def __init__(self, house: House, erasures: Erasures) -> None:
        self.house, self._memory = house, Memory(erasures)

    async def __call__(self, raw: bytes, received: int) -> Message:
        """What a message says that was received now (us). Raises RefusedError."""
        found = await asyncio.to_thread(read, raw, self.house) if len(raw) > IN_THREAD else read(raw, self.house)
        return self._memory.completed(found, received)

    def earlier(self, raw: bytes) -> Message:
        """What a message says that was received at some time before: it is no later than what came since."""
        return self._memory.completed(read(raw, self.house))

    def completed(self, message: Message, received: int) -> Message:
        """The message with what it takes back (see :mod:`caretwin.ingest.doors.fhir.memory`)."""
        return self._memory.completed(message, received)

    def remember(self, message: Message) -> None:
        """Keep in mind what was committed."""
        self._memory.remember(message)


class Kept(NamedTuple):
    """What became of a message.

    message    with what its commit refused, and keeps for no use; sequences  of all parts that were kept, in order
    known      whether the record had all of it already
    busy       nothing more of it was kept: to be sent again, what was kept is recognised then
    """

    message: Message
    sequences: tuple[int, ...] = ()
    busy: bool = False
    known: bool = False


class _Done(NamedTuple):
    """What became of an entry; sequences  of its parts, none where it was not kept."""

    entry: One
    sequences: tuple[int, ...] = ()


async def keep(intake: Intake, message: Message, raw: bytes, media: str) -> Kept:
    """Bring a message into the record; when this returns, it is on the disk or in quarantine (unless busy).

    Raises AccessDeniedError where the record does not take anything from this door.
    """
    whole = message.decoded()
    if message.bundle == "transaction" or len(whole.parts) <= PIECE:
        return await _at_once(intake, message, whole, raw, media)
    return await _in_pieces(intake, message, raw, media)


async def _in_pieces(intake: Intake, message: Message, raw: bytes, media: str) -> Kept:
    """A large batch, piece by piece."""
    done: dict[int, _Done] = {}
    for places in _pieces(message):
        piece = message._replace(entries=tuple(message.entries[place] for place in places))
        kept = await _at_once(intake, piece, piece.decoded()._replace(refused=()), b"", media, places)
        if kept.busy:
            return Kept(message, (), True)
        done |= zip(places, _by_entry(kept), strict=True)
        await asyncio.sleep(0)
    return await _together(intake, message, done, raw, media)


async def _at_once(
    intake: Intake, message: Message, decoded: Decoded, raw: bytes, media: str, places: Sequence[int] = ()
) -> Kept:
    """A message, or a piece of one (``places``: of its entries in the whole), in one commit where that is possible."""
    places = places or range(len(message.entries))
    alone = message.bundle == "transaction" or len(message.entries) == 1
    try:
        done = await intake.accept_decoded(decoded, raw, media, message.received, together=True)
    except AccessDeniedError:
        raise
    except IdentityConflictError as problem:
        if not alone:
            return await _one_by_one(intake, message, raw, media, places)
        return await _contradicted(intake, message, problem, raw, media, places)
    except Exception as problem:
        if alone:
            raise
        intake.state.trouble = f"a commit failed ({type(problem).__name__}); its entries are tried one by one"
        return await _one_by_one(intake, message, raw, media, places)
    if done.receipt is None:
        return Kept(message, (), done.result == "busy")
    new = [part for part in decoded.parts if not isinstance(part, Link)]
    return Kept(
        message.told(done.unusable), done.receipt.sequences, known=bool(new) and done.receipt.duplicates >= len(new)
    )


async def _one_by_one(intake: Intake, message: Message, raw: bytes, media: str, places: Sequence[int]) -> Kept:
    """Each entry with a commit of its own: one that cannot be kept does not take the others with it."""
    done: dict[int, _Done] = {}
    for at in _people_first(message):
        kept = await _entry(intake, message, at, places[at])
        if kept is None:
            return Kept(message, (), True)
        done[at] = kept
    return await _together(intake, message, done, raw, media)


async def _entry(intake: Intake, message: Message, at: int, place: int) -> _Done | None:
    """One entry, in a commit of its own; None where the record does not keep up. place: of it in the whole message."""
    one = message.entries[at]
    if not one.parts or one.refused is not None:
        return _Done(one)
    try:
        told = Decoded(one.parts, (), message.id)
        done = await intake.accept_decoded(told, received=message.received, together=True)
    except AccessDeniedError:
        raise
    except IdentityConflictError as problem:
        return _Done(_conflicting(one, f"Bundle.entry[{place}].resource", problem))
    except Exception as problem:
        return _Done(_broken(one, place, problem))
    if done.result == "busy":
        return None
    return _Done(one._replace(unusable=done.unusable), done.receipt.sequences if done.receipt else ())


async def _together(intake: Intake, message: Message, done: Mapping[int, _Done], raw: bytes, media: str) -> Kept:
    """What became of all entries, in their order; the message waits in quarantine where one of them was refused."""
    kept = [done[at] for at in range(len(message.entries))]
    refused = tuple(one.entry.refused for one in kept if one.entry.refused is not None)
    if refused and raw:  # a piece is kept aside with its whole
        await intake.accept_decoded(Decoded((), refused, message.id), raw, media)
    sequences = tuple(number for one in kept for number in one.sequences)
    return Kept(message._replace(entries=tuple(one.entry for one in kept)), sequences)


async def _contradicted(
    intake: Intake, message: Message, problem: IdentityConflictError, raw: bytes, media: str, places: Sequence[int]
) -> Kept:
    """One resource, or a transaction, of which nothing is kept because of whom a part of it is about."""
    owners = [i for i, one in enumerate(message.entries) for _ in one.parts]
    at = min(owners[place] for place in problem.places if place < len(owners))
    where = f"Bundle.entry[{places[at]}].resource" if message.bundle else message.entries[at].name.partition("/")[0]
    entries = tuple(_conflicting(one, where, problem) if i == at else one for i, one in enumerate(message.entries))
    refused = tuple(one.refused for one in entries if one.refused is not None)
    await intake.accept_decoded(Decoded((), refused, message.id), raw, media)
    return Kept(message._replace(entries=entries))


def _conflicting(one: One, place: str, problem: IdentityConflictError) -> One:
    element = "identifier" if one.name.startswith("Patient/") else "subject"
    return one._replace(parts=(), refused=conflict(problem)._replace(place=f"{place}.{element}"))


def _broken(one: One, i: int, problem: Exception) -> One:
    seen, wanted = f"a failure of the record ({type(problem).__name__})", "a resource that it can keep"
    refused = Refusal(f"Bundle.entry[{i}].resource", seen, wanted, "tell who runs this door", "processing")
    return one._replace(parts=(), refused=refused)


def _people_first(message: Message) -> list[int]:
    """Places of entries, first of those that say who is who: a person may stand behind what is about them."""
    return sorted(
        range(len(message.entries)),
        key=lambda at: not any(isinstance(part, Link) for part in message.entries[at].parts),
    )


def _pieces(message: Message) -> Iterator[list[int]]:
    """Places of a batch's entries, in pieces of at most PIECE parts, and whole entries."""
    places: list[int] = []
    parts = 0
    for at in _people_first(message):
        size = len(message.entries[at].parts)
        if places and parts + size > PIECE:
            yield places
            places, parts = [], 0
        places.append(at)
        parts += size
    if places:
        yield places


def _by_entry(kept: Kept) -> Iterator[_Done]:
    """What became of each entry of a piece, with the sequences of its parts."""
    sequences = iter(kept.sequences)
    for one in kept.message.entries:
        yield _Done(one, tuple(islice(sequences, len(one.parts))))
