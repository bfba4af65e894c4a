"""The record: one interface for a file and a server, with every read and write authorised, attributed and audited."""

from __future__ import annotations

import os
import secrets
import threading
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

from caretwin.record import audit
from caretwin.record.access import Action, Actor, Policy, by_role, require
from caretwin.record.entry import Batch, Identifier, Receipt, Stored, StoredDerived, StoredEvent
from caretwin.record.store import erase, keep, read
from caretwin.record.store.append import Appender
from caretwin.record.store.connection import Connection, Database
from caretwin.record.store.postgres import PostgresDatabase
from caretwin.record.store.sqlite import SqliteDatabase

T = TypeVar("T")
KEY_VARIABLE = "CARETWIN_RECORD_KEY"
"""Environment variable with the passphrase of an encrypted file; keys are not kept beside what they open."""

Listener = Callable[[Sequence[Batch], Sequence[Receipt]], None]


class SubjectInfo(NamedTuple):
    """A subject of the record: its key, what it is, and since when it is known (us)."""

    key: str
    kind: str
    received: int


class Record:
    """An open record. Make one with :func:`open_record`; one object may be shared by threads.

    clock  microseconds UTC now: for the times of audit rows
    """

    def __init__(self, database: Database, clock: Callable[[], int], policy: Policy = by_role) -> None:
        self._database, self._clock, self._policy = database, clock, policy
        self._write = database.connect(writes=True)
        self._lock = threading.RLock()
        database.migrate(self._write)
        self._appender = Appender(self._write, self._salt())
        self._readers: list[Connection] = []
        self._local = threading.local()
        self._listeners: list[Listener] = []

    def _salt(self) -> str:
        with self._lock, self._write.transaction():
            rows = self._write.query("SELECT value FROM meta WHERE name = 'salt'")
            if rows:
                return str(rows[0][0])
            salt = secrets.token_hex(16)
            self._write.query("INSERT INTO meta VALUES ('salt', ?)", [salt])
            return salt

    # writing -------------------------------------------------------------------------------------------------------

    def append(self, actor: Actor, batches: Sequence[Batch]) -> list[Receipt]:
        """Keep batches; when this returns they are on the disk.

        Raises AccessDeniedError, and KeyError for a subject key that the record does not have; nothing is kept then.
        """
        return self.append_all([(actor, batch) for batch in batches])

    def append_all(self, work: Sequence[tuple[Actor, Batch]]) -> list[Receipt]:
        """Keep batches of several actors in one commit (see :meth:`append`)."""
        decisions = [self._allow(actor, _action(batch), "") for actor, batch in work]
        batches = [batch for _, batch in work]
        with self._lock:
            with self._appender.transaction():
                receipts = self._appender.append(batches)
                now = self._clock()
                audit.append(
                    self._write,
                    [
                        audit.Act(now, actor.name, _action(batch), _who(receipt), True, rule, batch.message)
                        for (actor, batch), receipt, rule in zip(work, receipts, decisions, strict=True)
                    ],
                )
            self._tell(batches, receipts)
        return receipts

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Be told of every commit of this process, in order; returns what ends it. The writer waits for it. Nothing
        (no batches) is told when a subject was erased.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _tell(self, batches: Sequence[Batch], receipts: Sequence[Receipt]) -> None:
        """Tell the listeners; one that fails takes back no commit, and is told to its own."""
        for listener in list(self._listeners):
            try:
                listener(batches, receipts)
            except Exception as problem:
                warnings.warn(f"a listener of the record failed: {problem}", RuntimeWarning, stacklevel=2)

    def erase(self, actor: Actor, subject: str, reason: str) -> int:
        """Remove everything about a subject, by law and not by habit; returns how many rows.

        What stays is the audit trail: who erased, when, and for which reason. Raises AccessDeniedError, KeyError for an
        unknown subject, ValueError without a reason.
        """
        if not reason.strip():
            raise ValueError("erasing without a reason: wanted the request or the law that asks for it")
        rule = self._allow(actor, "erase", subject)
        with self._lock:
            with self._write.transaction():
                removed = erase.erase(self._write, subject)
                detail = f"{reason}; {removed} rows"
                audit.append(self._write, [audit.Act(self._clock(), actor.name, "erase", subject, True, rule, detail)])
            self._appender.forget()
            self._write.scrub()
            self._tell([], [])  # nothing came, but somebody is gone
        return removed

    @contextmanager
    def writing(self, actor: Actor, action: Action, detail: str) -> Iterator[Connection]:
        """The writing connection within one audited transaction: for what belongs to the record but is no entry
        (quarantine, unmapped codes, checkpoints).
        """
        rule = self._allow(actor, action, "")
        with self._lock, self._write.transaction():
            yield self._write
            if detail:
                audit.append(self._write, [audit.Act(self._clock(), actor.name, action, "", True, rule, detail)])

    # reading -------------------------------------------------------------------------------------------------------

    def reading(self, actor: Actor) -> Reading:
        """A way to read as ``actor``: the first look at each subject is audited before anything is shown."""
        return Reading(self, actor)

    def connection(self) -> Connection:
        """The reading connection of this thread."""
        if not hasattr(self._local, "connection"):
            self._local.connection = self._database.connect(writes=False)
            with self._lock:
                self._readers.append(self._local.connection)
        found: Connection = self._local.connection
        return found

    def _allow(self, actor: Actor, action: Action, subject: str) -> str:
        try:
            return require(self._policy, actor, action, subject).rule
        except Exception:
            with self._lock, self._write.transaction():
                refused = audit.Act(self._clock(), actor.name, action, subject, False, "default:deny")
                audit.append(self._write, [refused])
            raise

    def allow_reading(self, actor: Actor, subjects: Sequence[str], detail: str) -> None:
        """Authorise and audit a look at subjects ("" for what is about no one)."""
        rules = [self._allow(actor, "read", subject) for subject in subjects]
        now = self._clock()
        with self._lock, self._write.transaction():
            audit.append(
                self._write,
                [
                    audit.Act(now, actor.name, "read", subject, True, rule, detail or actor.purpose)
                    for subject, rule in zip(subjects, rules, strict=True)
                ],
            )

    def close(self) -> None:
        """Give all connections back."""
        with self._lock:
            for connection in (*self._readers, self._write):
                connection.close()
            self._readers = []


class Reading:
    """What one actor reads; see :mod:`caretwin.record.store.read` for what each answer is."""

    def __init__(self, record: Record, actor: Actor) -> None:
        self._record, self.actor = record, actor
        self._seen: set[str] = set()

    def of(self, subjects: Sequence[str]) -> Reading:
        """Authorise and audit several subjects at once."""
        new = [subject for subject in dict.fromkeys(subjects) if subject not in self._seen]
        if new:
            self._record.allow_reading(self.actor, new, "")
            self._seen.update(new)
        return self

    def subjects(self) -> list[SubjectInfo]:
        """Every subject, in the order in which they became known."""
        return [SubjectInfo(*row) for row in read.keys(self.of([""])._connection())]

    def subject_of(self, identifier: Identifier) -> str | None:
        """The key of an identifier's subject, None where it is unknown."""
        return read.key_of(self.of([""])._connection(), identifier)

    def identifiers(self, subject: str) -> list[Identifier]:
        """By what a subject is known."""
        return read.identifiers(self.of([subject])._connection(), subject)

    def series(
        self,
        subject: str,
        codes: Collection[str] | None = None,
        start: int = read.NEVER,
        stop: int = read.ALWAYS,
        as_of: int = read.ALWAYS,
    ) -> list[read.SeriesData]:
        """Observations in [start, stop) as known at ``as_of`` (us)."""
        return read.series(self.of([subject])._connection(), subject, codes, start, stop, as_of)

    def latest(
        self,
        subject: str,
        codes: Collection[str] | None = None,
        as_of: int = read.ALWAYS,
        before: int = read.ALWAYS,
    ) -> list[Stored]:
        """The last observation of every series before an effective time, as known at ``as_of`` (us)."""
        return read.latest(self.of([subject])._connection(), subject, codes, as_of, before)

    def held(self, subject: str, codes: Collection[str], before: int) -> list[Stored]:
        """What was set last before an effective time (us), by every order of every series."""
        return read.held(self.of([subject])._connection(), subject, codes, before)

    def events(
        self,
        subject: str,
        kinds: Sequence[str] | None = None,
        start: int = read.NEVER,
        stop: int = read.ALWAYS,
        as_of: int = read.ALWAYS,
    ) -> list[StoredEvent]:
        """Events that began in [start, stop), as known at ``as_of`` (us)."""
        return read.events(self.of([subject])._connection(), subject, kinds, start, stop, as_of)

    def derived(
        self,
        subject: str,
        kinds: Sequence[str] | None = None,
        start: int = read.NEVER,
        stop: int = read.ALWAYS,
        as_of: int = read.ALWAYS,
    ) -> list[StoredDerived]:
        """What was derived, speaking from [start, stop)."""
        return read.derived(self.of([subject])._connection(), subject, kinds, start, stop, as_of)

    def changes(self, after: int, most: int = 10_000) -> list[Stored]:
        """Observations since a sequence number, of all subjects."""
        return read.changes(self.of([""])._connection(), after, most)

    def changed_since(self, since: Mapping[str, int]) -> dict[str, tuple[int, int]]:
        """Subjects with anything new since a sequence number of each: (first effective time, last sequence number)."""
        return read.changed_since(self.of([""])._connection(), since)

    def merges(self) -> dict[str, tuple[str, ...]]:
        """Keys of subjects that became another, by the key of that one."""
        return read.merges(self.of([""])._connection())

    def epoch(self) -> int:
        """How often subjects were merged or erased: another number says that keys mean something else."""
        return int(self._connection().query("SELECT erasures FROM counter")[0][0])

    def first_effective(self, subject: str, codes: Collection[str]) -> int | None:
        """The earliest time (us) of any observation of these codes."""
        return read.first_effective(self.of([subject])._connection(), subject, codes)

    def checkpoints(self, subject: str, model: str) -> list[tuple[int, int, bytes]]:
        """(time us, sequence, state) of the checkpoints of a subject's twin."""
        return keep.checkpoints(self.of([subject])._connection(), subject, model)

    def _connection(self) -> Connection:
        return self._record.connection()


def open_record(
    where: str | Path, clock: Callable[[], int], *, key: str | None = None, policy: Policy = by_role
) -> Record:
    """Open a record, and make it where there is none.

    where  a file, or the URL of a PostgreSQL database (``postgresql://...``)
    clock  microseconds UTC now
    key    passphrase of an encrypted file; None: the variable CARETWIN_RECORD_KEY, or else a plain file

    Raises DataError with what to do about it.
    """
    text = str(where)
    if text.startswith(("postgresql://", "postgres://")):
        return Record(PostgresDatabase(text), clock, policy)
    return Record(SqliteDatabase(text, key or os.environ.get(KEY_VARIABLE) or None), clock, policy)


def _action(batch: Batch) -> Action:
    from caretwin.record.entry import Derived

    return "derive" if batch.entries and all(isinstance(entry, Derived) for entry in batch.entries) else "write"


def _who(receipt: Receipt) -> str:
    return " ".join(dict.fromkeys(receipt.subjects))
