"""From a message to the record: in pieces that do not hold others up, and what one entry breaks stays its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from caretwin.ingest.decoded import Decodable, Decoded, Refusal
from caretwin.ingest.doors.fhir.bundle import Message, One, read
from caretwin.ingest.doors.fhir.memory import Memory
from caretwin.ingest.doors.fhir.names import House
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

    def __init__(self, house: House) -> None:
        self.house, self._memory = house, Memory()

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

    message    with the refusals that its commit added; sequences  of all parts that were kept, in order
    known      whether the record had all of it already
    busy       nothing more of it was kept: to be sent again, what was kept is recognised then
    """

    message: Message
    sequences: tuple[int, ...] = ()
    busy: bool = False
    known: bool = False


async def keep(intake: Intake, message: Message, raw: bytes, media: str) -> Kept:
    """Bring a message into the record; when this returns, it is on the disk or in quarantine (unless busy).

    Raises AccessDeniedError where the record does not take anything from this door.
    """
    whole = message.decoded()
    if message.bundle == "transaction" or len(whole.parts) <= PIECE:
        return await _at_once(intake, message, whole, raw, media)
    links = tuple(part for part in whole.parts if isinstance(part, Link))
    if links and (await intake.accept_decoded(Decoded(links), received=message.received)).result == "busy":
        return Kept(message, (), True)  # before the pieces: the person may stand behind what is about them
    entries: list[One] = []
    sequences: list[int] = []
    for piece in _pieces(message):
        kept = await _at_once(intake, piece, piece.decoded()._replace(refused=()), b"", media, len(entries))
        if kept.busy:
            return Kept(message, (), True)
        sequences += kept.sequences
        entries += kept.message.entries
        await asyncio.sleep(0)
    refused = tuple(one.refused for one in entries if one.refused is not None)
    if refused:
        await intake.accept_decoded(Decoded((), refused, message.id), raw, media)
    return Kept(message._replace(entries=tuple(entries)), tuple(sequences))


async def _at_once(intake: Intake, message: Message, decoded: Decoded, raw: bytes, media: str, first: int = 0) -> Kept:
    """A message, or a piece of one that begins with its entry ``first``, in one commit where that is possible."""
    alone = message.bundle == "transaction" or len(message.entries) == 1
    try:
        done = await intake.accept_decoded(decoded, raw, media, message.received, together=True)
    except AccessDeniedError:
        raise
    except IdentityConflictError as problem:
        if not alone:
            return await _one_by_one(intake, message, raw, media, first)
        return await _contradicted(intake, message, problem, raw, media)
    except Exception as problem:
        if alone:
            raise
        intake.state.trouble = f"a commit failed ({type(problem).__name__}); its entries are tried one by one"
        return await _one_by_one(intake, message, raw, media, first)
    if done.receipt is None:
        return Kept(message, (), done.result == "busy")
    new = [part for part in decoded.parts if not isinstance(part, Link)]
    return Kept(message, done.receipt.sequences, known=bool(new) and done.receipt.duplicates >= len(new))


async def _one_by_one(intake: Intake, message: Message, raw: bytes, media: str, first: int) -> Kept:
    """Each entry with a commit of its own: one that cannot be kept does not take the others with it."""
    entries, sequences = [], list[int]()
    for i, one in enumerate(message.entries, start=first):
        if not one.parts or one.refused is not None:
            entries.append(one)
            continue
        try:
            told = Decoded(one.parts, (), message.id)
            done = await intake.accept_decoded(told, received=message.received, together=True)
        except AccessDeniedError:
            raise
        except IdentityConflictError as problem:
            entries.append(_conflicting(one, f"Bundle.entry[{i}].resource", problem))
            continue
        except Exception as problem:
            entries.append(_broken(one, i, problem))
            continue
        if done.result == "busy":
            return Kept(message, (), True)
        entries.append(one)
        sequences += done.receipt.sequences if done.receipt else ()
    refused = tuple(one.refused for one in entries if one.refused is not None)
    if refused and raw:  # a piece is kept aside with its whole
        await intake.accept_decoded(Decoded((), refused, message.id), raw, media)
    return Kept(message._replace(entries=tuple(entries)), tuple(sequences))


async def _contradicted(
    intake: Intake, message: Message, problem: IdentityConflictError, raw: bytes, media: str
) -> Kept:
    """One resource, or a transaction, of which nothing is kept because of whom a part of it is about."""
    owners = [i for i, one in enumerate(message.entries) for _ in one.parts]
    at = min(owners[place] for place in problem.places if place < len(owners))
    where = f"Bundle.entry[{at}].resource" if message.bundle else message.entries[at].name.partition("/")[0]
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


def _pieces(message: Message) -> Iterator[Message]:
    """A batch in pieces of at most PIECE parts, and whole entries."""
    entries: list[One] = []
    parts: list[Decodable] = []
    for one in message.entries:
        if entries and len(parts) + len(one.parts) > PIECE:
            yield message._replace(entries=tuple(entries))
            entries, parts = [], []
        entries.append(one)
        parts += one.parts
    if entries:
        yield message._replace(entries=tuple(entries))
