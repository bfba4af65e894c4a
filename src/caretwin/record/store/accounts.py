"""Accounts, passkeys, links and sessions in the tables; whoever changes them stands in the audit trail (see
:mod:`caretwin.record.accounts`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from caretwin.record.store.connection import Connection, Row
from caretwin.record.store.read_subjects import person

_NEXT = "SELECT coalesce(max(id), 0) + 1 FROM {}"


class Account(NamedTuple):
    """Who may sign in.

    key       by which the audit trail knows the account; name  as shown to others
    roles     in which the account may act; the first is that of a new session
    units     that it works at; none: all of the site
    people    keys of those whom a resident's or a family's account is about
    created, disabled  us; None for an account that may sign in
    """

    key: str
    name: str
    roles: tuple[str, ...]
    units: frozenset[str]
    people: frozenset[str]
    created: int
    disabled: int | None


class Passkey(NamedTuple):
    """A public key with which an account signs in; sign_count as its device told last; name as its owner calls it."""

    credential: bytes
    account: str
    public_key: bytes
    sign_count: int
    name: str
    created: int


class Session(NamedTuple):
    """A time in which an account acts in one role, for one purpose (times in us). ended: signed out, or shut out."""

    number: int
    account: str
    role: str
    purpose: str
    created: int
    seen: int
    ends: int
    ended: int | None


class Grant(NamedTuple):
    """Leave to look at somebody who is not one's own, until a time (us), with the reason that was given."""

    account: str
    subject: str
    reason: str
    given: int
    until: int


def changed(connection: Connection) -> None:
    """Count a change, so that every process drops what it remembers of accounts."""
    connection.query("UPDATE meta SET value = CAST(CAST(value AS BIGINT) + 1 AS TEXT) WHERE name = 'accounts'")


def revision(connection: Connection) -> int:
    """How often accounts and grants were changed, and people merged or erased."""
    rows = connection.query("SELECT value, (SELECT erasures FROM counter) FROM meta WHERE name = 'accounts'")
    return int(rows[0][0]) + int(rows[0][1])


def accounts(connection: Connection) -> list[Account]:
    """All accounts, in the order in which they were made."""
    rows = connection.query("SELECT id, key, name, created, disabled FROM account ORDER BY id")
    roles = _by_account(connection.query("SELECT account, role FROM account_role ORDER BY account, place"))
    units = _by_account(connection.query("SELECT account, unit FROM account_unit"))
    told = connection.query("SELECT p.account, s.key FROM account_person p JOIN subject s ON s.id = p.subject")
    people = _by_account((account, one) for account, key in told for one in all_keys(connection, key))
    found = []
    for id, key, name, created, gone in rows:
        of = tuple(roles.get(id, ())), frozenset(units.get(id, ())), frozenset(people.get(id, ()))
        found.append(Account(key, name, *of, created, gone))
    return found


def all_keys(connection: Connection, key: str) -> list[str]:
    """Every key of a person, merged ones too."""
    return [str(row[0]) for row in connection.among("SELECT key FROM subject WHERE id IN ?", person(connection, key))]


def _by_account(rows: Iterable[Row]) -> dict[int, list[str]]:
    found = dict[int, list[str]]()
    for account, value in rows:
        found.setdefault(account, []).append(value)
    return found


def number(connection: Connection, key: str) -> int:
    """Number of an account. Raises KeyError where there is none."""
    rows = connection.query("SELECT id FROM account WHERE key = ?", [key])
    if not rows:
        raise KeyError(f"no account {key!r} in this record")
    return int(rows[0][0])


def add(connection: Connection, account: Account) -> None:
    """Make an account. Raises KeyError for people whom the record does not have."""
    id = connection.query(_NEXT.format("account"))[0][0]
    row = (id, account.key, account.name, account.created, account.disabled)
    connection.insert("account", ("id", "key", "name", "created", "disabled"), [row])
    _let(connection, id, account)
    people = [(id, _subject(connection, one)) for one in sorted(account.people)]
    connection.insert("account_person", ("account", "subject"), people)
    changed(connection)


def let(connection: Connection, account: Account) -> None:
    """Give an account the roles and units that it has in ``account``, and no others."""
    id = number(connection, account.key)
    for table in ("account_role", "account_unit"):
        connection.query(f"DELETE FROM {table} WHERE account = ?", [id])
    _let(connection, id, account)
    changed(connection)


def _let(connection: Connection, id: int, account: Account) -> None:
    roles = [(id, role, place) for place, role in enumerate(account.roles)]
    connection.insert("account_role", ("account", "role", "place"), roles)
    connection.insert("account_unit", ("account", "unit"), [(id, unit) for unit in sorted(account.units)])


def _subject(connection: Connection, key: str) -> int:
    rows = connection.query("SELECT id FROM subject WHERE key = ?", [key])
    if not rows:
        raise KeyError(f"no subject {key!r} in this record")
    return int(rows[0][0])


def disable(connection: Connection, key: str, at: int | None) -> None:
    """Let an account sign in no more from ``at`` on (us), and end its sessions and links; None: let it again."""
    id = number(connection, key)
    connection.query("UPDATE account SET disabled = ? WHERE id = ?", [at, id])
    if at is not None:
        for table in ("session", "sign_in_link"):
            connection.query(f"UPDATE {table} SET ended = ? WHERE account = ? AND ended IS NULL", [at, id])
    changed(connection)


def passkeys(connection: Connection, account: str | None = None) -> list[Passkey]:
    """Passkeys of an account, or of all."""
    rows = connection.query(
        "SELECT p.credential, a.key, p.public_key, p.sign_count, p.name, p.created FROM passkey p"
        f" JOIN account a ON a.id = p.account{'' if account is None else ' WHERE a.key = ?'} ORDER BY p.created",
        [] if account is None else [account],
    )
    return [Passkey(bytes(row[0]), row[1], bytes(row[2]), *row[3:]) for row in rows]


def add_passkey(connection: Connection, one: Passkey) -> None:
    """Keep a passkey; one that is there already is another's, and stays so: the table refuses it."""
    columns = ("credential", "account", "public_key", "sign_count", "name", "created")
    row = (one.credential, number(connection, one.account), one.public_key, one.sign_count, one.name, one.created)
    connection.insert("passkey", columns, [row])


def remove_passkey(connection: Connection, account: str, credential: bytes) -> bool:
    """Forget a passkey of an account; False where it has none such."""
    known = any(one.credential == credential for one in passkeys(connection, account))
    if known:
        connection.query("DELETE FROM passkey WHERE credential = ?", [credential])
    return known


def add_link(connection: Connection, digest: bytes, account: str, created: int, ends: int) -> None:
    """Keep a link that is good once until ``ends`` (us); those before it of the same account are good no more."""
    id = number(connection, account)
    connection.query("UPDATE sign_in_link SET ended = ? WHERE account = ? AND ended IS NULL", [created, id])
    connection.insert("sign_in_link", ("digest", "account", "created", "ends"), [(digest, id, created, ends)])


def link(connection: Connection, digest: bytes) -> tuple[str, int, int | None] | None:
    """Account of a link, until when it is good, and when it ended (us)."""
    rows = connection.query(
        "SELECT a.key, l.ends, l.ended FROM sign_in_link l JOIN account a ON a.id = l.account WHERE l.digest = ?",
        [digest],
    )
    return (rows[0][0], rows[0][1], rows[0][2]) if rows else None


def end_link(connection: Connection, digest: bytes, at: int) -> None:
    """A link was used: it is good no more."""
    connection.query("UPDATE sign_in_link SET ended = ? WHERE digest = ?", [at, digest])


def add_session(connection: Connection, digest: bytes, one: Session) -> int:
    """Keep a session by the digest of its secret; returns its number."""
    id = int(connection.query(_NEXT.format("session"))[0][0])
    columns = ("id", "digest", "account", "role", "purpose", "created", "seen", "ends")
    account = number(connection, one.account)
    connection.insert(
        "session", columns, [(id, digest, account, one.role, one.purpose, one.created, one.seen, one.ends)]
    )
    return id


_SESSION = (
    "SELECT s.id, a.key, s.role, s.purpose, s.created, s.seen, s.ends, s.ended FROM session s"
    " JOIN account a ON a.id = s.account WHERE "
)


def session_of(connection: Connection, digest: bytes) -> Session | None:
    """The session of a secret's digest, ended or not."""
    rows = connection.query(_SESSION + "s.digest = ?", [digest])
    return Session(*rows[0]) if rows else None


def session(connection: Connection, id: int) -> Session | None:
    """The session of a number, ended or not."""
    rows = connection.query(_SESSION + "s.id = ?", [id])
    return Session(*rows[0]) if rows else None


def end_session(connection: Connection, id: int, at: int) -> None:
    """A session is over."""
    connection.query("UPDATE session SET ended = ? WHERE id = ? AND ended IS NULL", [at, id])


def see(connection: Connection, id: int, at: int) -> None:
    """A session was used at a time (us)."""
    connection.query("UPDATE session SET seen = ? WHERE id = ? AND seen < ?", [at, id, at])


def identity(connection: Connection, issuer: str, subject: str) -> str | None:
    """Key of the account that an identity provider's subject is."""
    rows = connection.query(
        "SELECT a.key FROM oidc_identity o JOIN account a ON a.id = o.account WHERE o.issuer = ? AND o.subject = ?",
        [issuer, subject],
    )
    return str(rows[0][0]) if rows else None


def add_identity(connection: Connection, issuer: str, subject: str, account: str, at: int) -> None:
    """An identity provider's subject is an account."""
    row = (issuer, subject, number(connection, account), at)
    connection.insert("oidc_identity", ("issuer", "subject", "account", "created"), [row])


def grants(connection: Connection, after: int) -> list[Grant]:
    """Leave to look that holds after a time (us)."""
    rows = connection.query(
        "SELECT a.key, s.key, g.reason, g.given, g.until FROM break_glass g JOIN account a ON a.id = g.account"
        " JOIN subject s ON s.id = g.subject WHERE g.until > ? ORDER BY g.id",
        [after],
    )
    found = [Grant(*row) for row in rows]
    return [one._replace(subject=key) for one in found for key in all_keys(connection, one.subject)]


def add_grant(connection: Connection, one: Grant) -> None:
    """Give leave to look. Raises KeyError for an account or a subject that is not there."""
    id = connection.query(_NEXT.format("break_glass"))[0][0]
    row = (id, number(connection, one.account), _subject(connection, one.subject), one.reason, one.given, one.until)
    connection.insert("break_glass", ("id", "account", "subject", "reason", "given", "until"), [row])
    changed(connection)
