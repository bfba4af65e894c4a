"""Who may sign in: accounts with roles and units, passkeys, links that are good once, sessions, leave to look.

Secrets are handed out and never kept: of a link and of a session only the SHA-256 stands in the record, and of a
passkey only the public key. Random secrets of 32 bytes need no slow hash: nobody can guess them. Every change is
attributed and audited.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from hashlib import sha256

from caretwin.base.errors import CaretwinError, DataError
from caretwin.record.access import PEOPLE, Actor
from caretwin.record.record import Record
from caretwin.record.store import accounts as store
from caretwin.record.store.accounts import Account, Grant, Passkey, Session

GATE = Actor("service:gate", "gate", "sign-in")
"""Lets people in: acts as long as nobody has signed in, and for an identity provider, which says who may."""
LINK_GOOD_US = 15 * 60_000_000
"""us that a link is good (assumed: long enough to walk over to somebody, too short to be found later)."""
LONGEST_NAME, LONGEST_REASON = 120, 400
"""Characters of a shown name, and of a reason (assumed)."""


class SignInError(CaretwinError):
    """Raised when somebody may not come in: a link that was used, a session that is over, an account that is closed."""


def digest(secret: str) -> bytes:
    """What the record has of a secret."""
    return sha256(secret.encode("utf-8", "surrogateescape")).digest()


class Accounts:
    """The accounts of one record. Reading them is neither authorised nor audited: it is how it is known who asks.

    turn  counts the changes by this object of who may what: a quick way to know that :meth:`revision` has moved
    """

    def __init__(self, record: Record) -> None:
        self._record, self.turn = record, 0

    # who there is ----------------------------------------------------------------------------------------------------

    def all(self) -> list[Account]:
        """All accounts, in the order in which they were made."""
        return store.accounts(self._record.connection())

    def of(self, key: str) -> Account:
        """An account by its key. Raises KeyError."""
        found = next((one for one in self.all() if one.key == key), None)
        if found is None:
            raise KeyError(f"no account {key!r} in this record")
        return found

    def revision(self) -> int:
        """Another number says that accounts, grants or people have changed, in whichever process."""
        return store.revision(self._record.connection())

    def add(
        self,
        by: Actor,
        name: str,
        roles: Sequence[str],
        at: int,
        units: Collection[str] = (),
        people: Collection[str] = (),
    ) -> Account:
        """Make an account.

        roles   in which it may act, the first being that of a new session
        units   names of the units that it works at; none: all of the site
        people  keys of those whom a resident's or a family's account is about
        at      us now
        Raises DataError for what cannot be meant, KeyError for people whom the record does not have.
        """
        shown, key = _name(name), f"a{secrets.token_hex(6)}"
        account = Account(key, shown, _roles(roles), _units(units), frozenset(people), at, None)
        if set(account.roles) & {"resident", "family"} and not account.people:
            raise DataError(
                "accounts",
                seen="a resident's or a family's account that is about nobody",
                wanted="whose record it may see",
                fix="name the person",
            )
        with self._record.writing(
            by, "accounts", f"account {key}: made, {_told(account)}", sorted(account.people)
        ) as it:
            store.add(it, account)
        self.turn += 1
        return account

    def let(self, by: Actor, key: str, roles: Sequence[str], units: Collection[str]) -> Account:
        """Give an account these roles and units, and no others. Raises DataError, and KeyError for no account."""
        account = self.of(key)._replace(roles=_roles(roles), units=_units(units))
        with self._record.writing(by, "accounts", f"account {key}: {_told(account)}") as it:
            store.let(it, account)
        self.turn += 1
        return account

    def disable(self, by: Actor, key: str, at: int) -> None:
        """Let an account sign in no more; its sessions and links end. Raises KeyError."""
        self.of(key)
        with self._record.writing(by, "accounts", f"account {key}: disabled") as it:
            store.disable(it, key, at)
        self.turn += 1

    def enable(self, by: Actor, key: str) -> None:
        """Let an account that was disabled sign in again, anew. Raises KeyError."""
        self.of(key)
        with self._record.writing(by, "accounts", f"account {key}: enabled") as it:
            store.disable(it, key, None)
        self.turn += 1

    # what they sign in with ------------------------------------------------------------------------------------------

    def new_link(self, by: Actor, key: str, at: int) -> str:
        """The secret of a link by which an account signs in once, within LINK_GOOD_US; one before it is good no more.

        Raises KeyError for no account, SignInError for one that is disabled.
        """
        self._open(key)
        secret = secrets.token_urlsafe(32)
        with self._record.writing(by, "accounts", f"account {key}: a link") as it:
            store.add_link(it, digest(secret), key, at, at + LINK_GOOD_US)
        return secret

    def use_link(self, secret: str, at: int) -> Account:
        """The account of a link, which is good no more from now on.

        Raises SignInError, and audits it, for a link that is unknown, was used before, or is too old.
        """
        with self._record.writing(GATE, "sign-in", "a link was tried") as it:
            found = store.link(it, digest(secret))
            why = _bad(found, at)
            if found is not None and not why:
                store.end_link(it, digest(secret), at)
        if found is None or why:
            who = f" of account {found[0]}" if found else ""
            self._record.refused(GATE, "sign-in", "link:once", f"a link{who}: {why}")
            raise SignInError("signing in by a link", seen=why, wanted="a link that is good", fix=ASK)
        return self._open(found[0])

    def passkeys(self, key: str | None = None) -> list[Passkey]:
        """Passkeys of an account, or of all."""
        return store.passkeys(self._record.connection(), key)

    def add_passkey(self, by: Actor, passkey: Passkey) -> None:
        """Keep a passkey. Raises DataError for one that is known already."""
        if any(one.credential == passkey.credential for one in self.passkeys()):
            seen = "a passkey that is known already"
            raise DataError("passkeys", seen=seen, wanted="a new one", fix="sign in with it")
        with self._record.writing(by, "sign-in", f"account {passkey.account}: a new passkey") as it:
            store.add_passkey(it, passkey._replace(name=_name(passkey.name)))

    def used_passkey(self, passkey: Passkey, sign_count: int) -> Account:
        """A passkey was proved; its device says how often it signed. The account that it is of. Raises SignInError."""
        with self._record.writing(GATE, "sign-in", f"account {passkey.account}: by passkey") as it:
            it.query("UPDATE passkey SET sign_count = ? WHERE credential = ?", [sign_count, passkey.credential])
        return self._open(passkey.account)

    def remove_passkey(self, by: Actor, key: str, credential: bytes) -> None:
        """Forget a passkey of an account. Raises KeyError where it has none such."""
        with self._record.writing(by, "sign-in", f"account {key}: a passkey removed") as it:
            if not store.remove_passkey(it, key, credential):
                raise KeyError("no such passkey of this account")

    def by_identity(self, issuer: str, subject: str) -> Account | None:
        """The account that an identity provider's subject is, None for who was never here. Raises SignInError."""
        key = store.identity(self._record.connection(), issuer, subject)
        return None if key is None else self._open(key)

    def add_identity(self, by: Actor, issuer: str, subject: str, key: str, at: int) -> None:
        """An identity provider's subject is an account from now on."""
        with self._record.writing(by, "accounts", f"account {key}: an identity of {issuer}") as it:
            store.add_identity(it, issuer, subject, key, at)

    def ever_secured(self) -> bool:
        """Whether any account that is open has a way to sign in that lasts: a passkey, or an identity provider."""
        sql = (
            "SELECT (SELECT count(*) FROM passkey p JOIN account a ON a.id = p.account WHERE a.disabled IS NULL)"
            " + (SELECT count(*) FROM oidc_identity o JOIN account a ON a.id = o.account WHERE a.disabled IS NULL)"
        )
        return bool(self._record.connection().query(sql)[0][0])

    def _open(self, key: str) -> Account:
        """An account that may sign in. Raises SignInError, and audits it, for one that is disabled."""
        account = self.of(key)
        if account.disabled is not None or not account.roles:
            self._record.refused(GATE, "sign-in", "account:open", f"account {key} is disabled")
            raise SignInError("signing in", seen="an account that is disabled", wanted="one that is open", fix=ASK)
        return account

    # sessions --------------------------------------------------------------------------------------------------------

    def begin(self, account: Account, role: str, purpose: str, at: int, ends: int, how: str) -> tuple[str, Session]:
        """A new session (times in us): its secret, which is not kept, and what is known of it.

        how  the person proved who it is: ``"link"``, ``"passkey"``, ``"oidc"``, or ``"session"`` for another role
        Raises SignInError for a role that the account does not have.
        """
        actor = Actor(f"account:{account.key}", "gate", purpose)
        if role not in account.roles:
            self._record.refused(actor, "sign-in", "account:role", f"as {role}")
            fix = "choose one of the account's roles"
            raise SignInError(
                "signing in", seen="a role that the account does not have", wanted="one of its own", fix=fix
            )
        secret = secrets.token_urlsafe(32)
        session = Session(0, account.key, role, purpose, at, at, ends, None)
        with self._record.writing(actor, "sign-in", f"in by {how} as {role} for {purpose}") as it:
            session = session._replace(number=store.add_session(it, digest(secret), session))
        return secret, session

    def session_of(self, secret: str) -> Session | None:
        """The session of a secret, ended or not; None for a secret that opens nothing."""
        return store.session_of(self._record.connection(), digest(secret))

    def session(self, number: int) -> Session | None:
        """The session of a number, ended or not."""
        return store.session(self._record.connection(), number)

    def end(self, session: Session, at: int, why: str) -> None:
        """A session is over from now on."""
        actor = Actor(f"account:{session.account}", "gate", session.purpose)
        with self._record.writing(actor, "sign-in", f"session {session.number}: {why}") as it:
            store.end_session(it, session.number, at)

    def seen(self, times: dict[int, int]) -> None:
        """Sessions by number were used at these times (us), for a program that goes on later."""
        if times:
            with self._record.writing(GATE, "sign-in", f"{len(times)} sessions go on") as it:
                for number, at in times.items():
                    store.see(it, number, at)

    def refuse(self, account: str, action: str, rule: str, detail: str, subject: str = "") -> None:
        """Audit what an account ("" for nobody who is known) was refused."""
        actor = Actor(f"account:{account}", "gate") if account else GATE
        self._record.refused(actor, action, rule, detail, subject)

    # leave to look ---------------------------------------------------------------------------------------------------

    def grants(self, at: int) -> list[Grant]:
        """Leave to look that holds at a time (us)."""
        return store.grants(self._record.connection(), at)

    def break_glass(self, by: Actor, grant: Grant) -> None:
        """Leave to look at somebody who is not one's own, for a time; the auditor sees who took it, and why.

        Raises DataError without a reason, KeyError for an unknown subject, and AccessDeniedError.
        """
        reason = grant.reason.strip()[:LONGEST_REASON]
        if not reason:
            fix = "say why you need to look"
            raise DataError(
                "break-glass", seen="no reason", wanted="why somebody who is not yours is looked at", fix=fix
            )
        minutes = (grant.until - grant.given) // 60_000_000
        with self._record.writing(by, "break-glass", f"for {minutes} min: {reason}", [grant.subject]) as it:
            store.add_grant(it, grant._replace(reason=reason))
        self.turn += 1


ASK = "ask whoever runs this site for a link (caretwin accounts link)"


def _bad(found: tuple[str, int, int | None] | None, at: int) -> str:
    if found is None:
        return "a link that nobody made"
    if found[2] is not None:
        return "a link that was used, or replaced by another"
    return "a link that is too old" if at >= found[1] else ""


def _name(text: str) -> str:
    found = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    if not found or len(found) > LONGEST_NAME:
        wanted = f"1 to {LONGEST_NAME} characters"
        raise DataError("accounts, name", seen=f"{len(found)} characters", wanted=wanted, fix="write a name to show")
    return found


def _roles(roles: Sequence[str]) -> tuple[str, ...]:
    strange = [one for one in roles if one not in PEOPLE]
    if strange or not roles:
        seen = f"{strange[0]!r}" if strange else "no role"
        raise DataError("accounts, role", seen=seen, wanted="one of " + ", ".join(sorted(PEOPLE)), fix="name its role")
    return tuple(dict.fromkeys(roles))


def _units(units: Collection[str]) -> frozenset[str]:
    if any(not one.strip() for one in units):
        raise DataError(
            "accounts, unit", seen="a unit without a name", wanted="its name", fix="leave it out, or name it"
        )
    return frozenset(one.strip() for one in units)


def _told(account: Account) -> str:
    where = ", ".join(sorted(account.units)) or "all of the site"
    return f"as {', '.join(account.roles)} at {where}"
