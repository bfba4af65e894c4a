"""The record: one interface for a file and a server, with every read and write authorised, attributed and audited."""

from __future__ import annotations

import os
import secrets
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from caretwin.base.errors import DataError
from caretwin.record import audit
from caretwin.record.access import Action, Actor, Policy, by_role
from caretwin.record.audit import Act
from caretwin.record.connections import TRIES, Connections
from caretwin.record.entry import Batch, Derived, Receipt
from caretwin.record.guard import Guard
from caretwin.record.reading import Reading
from caretwin.record.store import erase, parting
from caretwin.record.store.append import Appender
from caretwin.record.store.connection import CommitUnknownError, Connection, ConnectionLostError, Database
from caretwin.record.store.erase import Erased
from caretwin.record.store.parting import Parted
from caretwin.record.store.postgres import PostgresDatabase
from caretwin.record.store.sqlite import SqliteDatabase, opening

KEY_VARIABLE = "CARETWIN_RECORD_KEY"
"""Environment variable with the passphrase of an encrypted file; keys are not kept beside what they open."""

Listener = Callable[[Sequence[Batch], Sequence[Receipt]], None]


class Record:
    """An open record. Make one with :func:`open_record`; one object may be shared by threads.

    clock  microseconds UTC now: for the times of audit rows
    """

    def __init__(self, database: Database, clock: Callable[[], int], policy: Policy = by_role) -> None:
        self._connections = Connections(database)
        self._guard = Guard(self._connections, clock, policy)
        self._appender = Appender(self._connections.write, self._salt())
        self._listeners: list[Listener] = []

    def _salt(self) -> str:
        with self._connections.writing() as connection:
            rows = connection.query("SELECT value FROM meta WHERE name = 'salt'")
            if rows:
                return str(rows[0][0])
            salt = secrets.token_hex(16)
            connection.query("INSERT INTO meta VALUES ('salt', ?)", [salt])
            return salt

    # writing -------------------------------------------------------------------------------------------------------

    def append(self, actor: Actor, batches: Sequence[Batch]) -> list[Receipt]:
        """Keep batches; when this returns they are on the disk.

        Raises AccessDeniedError where the policy refuses any subject of a batch, and KeyError for a subject key that
        the record does not have; nothing is kept then. Raises ConnectionLostError where a server went away and
        did not come back in time: nothing was kept, or, where it is a CommitUnknownError, nobody can say.
        """
        return self.append_all([(actor, batch) for batch in batches])

    def append_all(self, work: Sequence[tuple[Actor, Batch]]) -> list[Receipt]:
        """Keep batches of several actors in one commit (see :meth:`append`)."""
        with self._connections.lock:
            receipts = self._kept(work)
            self._tell([batch for _, batch in work], receipts)
        return receipts

    def _kept(self, work: Sequence[tuple[Actor, Batch]]) -> list[Receipt]:
        """The commit; begun anew when the server went away before it, for then nothing of it was kept."""
        for _ in range(TRIES - 1):
            try:
                return self._commit(work)
            except CommitUnknownError:
                raise
            except ConnectionLostError:
                continue
        return self._commit(work)

    def _commit(self, work: Sequence[tuple[Actor, Batch]]) -> list[Receipt]:
        permit, acts = self._guard.permit(), list[Act]()

        def may(number: int, subjects: Sequence[str]) -> None:
            (actor, batch), action = work[number], _action(work[number][1])
            acts.append(self._guard.act(actor, action, permit.ask(actor, action, subjects), batch.message))

        try:
            with self._appender.transaction():
                receipts = self._appender.append([batch for _, batch in work], may)
                audit.append(self._connections.write, acts)
        except Exception:
            self._guard.audit_refusal(permit)
            raise
        return receipts

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Be told of every commit of this process, in order; returns what ends it. The writer waits for it. Nothing
        (no batches) is told when a subject was erased, or two were parted.
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

    def erase(self, actor: Actor, subject: str, reason: str, words: Sequence[str] = ()) -> Erased:
        """Remove everything about a person, by law and not by habit.

        subject  any key of the person: all keys that were merged with it go too
        words    by which refused messages are known to be the person's, beside the identifiers, such as a name
        Returns what was removed, and what is outside of the record and others have to delete: exports and backups.
        What stays is the audit trail: who read, wrote and erased, under which key, when, and for which reason. Raises
        AccessDeniedError, KeyError for an unknown subject, ValueError without a reason.
        """
        if not reason.strip():
            raise ValueError("erasing without a reason: wanted the request or the law that asks for it")
        rules = self._guard.allow(actor, "erase", [subject])
        with self._connections.lock:
            with self._connections.writing() as connection:
                removed = erase.erase(connection, subject, words)
                detail = f"{reason}; {removed.rows} rows, {removed.messages} refused messages"
                audit.append(connection, [self._guard.act(actor, "erase", rules, detail)])
            self._appender.forget()
            overwritten = self._connections.write.scrub(erase.TOUCHED)
            self._tell([], [])  # nothing came, but somebody is gone
        return removed._replace(overwritten=overwritten)

    def part(self, actor: Actor, other: str, received: int, reason: str) -> Parted:
        """Say that two who were merged are two people (see :mod:`caretwin.record.store.parting`).

        other  key of the one who was merged into another; received  when that became known (us)
        No message of a sender merges them again, only a person does (``Link.again``). Raises AccessDeniedError,
        KeyError for who is merged into nobody, ValueError without a reason.
        """
        if not reason.strip():
            raise ValueError("parting without a reason: wanted how it is known that they are two")
        with self._connections.lock:
            kept = self._connections.look(lambda it: parting.merge_of(it, other)).kept
            rules = self._guard.allow(actor, "write", [kept, other])
            with self._connections.writing() as connection:
                parted = parting.part(connection, other, received, f"{actor.name}: {reason}")
                audit.append(connection, [self._guard.act(actor, "write", rules, f"part: {reason}")])
            self._appender.forget()
            self._tell([], [])  # nothing came, but keys mean something else
        return parted

    @contextmanager
    def writing(self, actor: Actor, action: Action, detail: str, subjects: Sequence[str] = ()) -> Iterator[Connection]:
        """The writing connection within one audited transaction: for what belongs to the record but is no entry
        (quarantine, unmapped codes, checkpoints).

        detail  what is done, for the audit trail; subjects  keys of those whom it is about
        Raises AccessDeniedError where the policy refuses any of them, and for a lost server as :meth:`append` does.
        """
        rules = self._guard.allow(actor, action, subjects)
        with self._connections.writing() as connection:
            yield connection
            audit.append(connection, [self._guard.act(actor, action, rules, detail)])

    def refused(self, actor: Actor, action: str, rule: str, detail: str, subject: str = "") -> None:
        """Audit what was refused before the record was asked: a sign-in, or a question to a program in front of it.

        action  as that program calls it; rule  by which it was refused; subject  key of whom it was about, or ""
        """
        with self._connections.writing() as connection:
            audit.append(connection, [Act(self._guard.clock(), actor.name, action, subject, False, rule, detail)])

    # reading -------------------------------------------------------------------------------------------------------

    def reading(self, actor: Actor) -> Reading:
        """A way to read as ``actor``: each look is authorised, and audited before anything is shown."""
        return Reading(self._connections, self._guard, actor)

    def connection(self) -> Connection:
        """The reading connection of this thread: what is asked of it directly is neither authorised nor audited."""
        return self._connections.reading()

    def close(self) -> None:
        """Give all connections back."""
        self._connections.close()


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
    scheme, mark, _ = text.partition("://")
    if mark:
        raise DataError(
            "record",
            seen=f"an address that begins with {scheme}://",
            wanted="a file, or postgresql://user@host/database",
            fix="name one of the two: a record is kept in nothing else",
        )
    with opening(text):
        return Record(SqliteDatabase(text, key or os.environ.get(KEY_VARIABLE) or None), clock, policy)


def _action(batch: Batch) -> Action:
    return "derive" if batch.entries and all(isinstance(entry, Derived) for entry in batch.entries) else "write"
