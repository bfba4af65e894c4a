"""Leave to look at somebody who is not one's own; and the accounts of the site, for who manages it."""

from __future__ import annotations

from pydantic import BaseModel, Field

from caretwin.record.access import PersonRole
from caretwin.record.accounts import LINK_GOOD_US, LONGEST_NAME, LONGEST_REASON, SignInError
from caretwin.record.store.accounts import Account, Grant
from caretwin.serve.access.rules import BREAK_GLASS_US
from caretwin.serve.web.caller import Caller
from caretwin.serve.web.fields import SubjectKey, Text
from caretwin.serve.web.link import link_address
from caretwin.serve.web.problems import Refusal, documented
from caretwin.serve.web.routing import Here, Routes, Signed
from caretwin.serve.web.served import Served

routes = Routes("access")
MANAGE = "accounts:change"


class Glass(BaseModel):
    """At whom to look, and why."""

    subject: SubjectKey
    reason: Text = Field(min_length=1, max_length=LONGEST_REASON, description="Read by the auditor; no names in it.")


class Granted(BaseModel):
    """Leave to look."""

    until: int = Field(description="us since 1970")


class AccountInfo(BaseModel):
    """An account."""

    account: str = Field(description="Its key.")
    name: str
    roles: list[str]
    units: list[str] = Field(description="Empty: all of the site.")
    created: int = Field(description="us since 1970")
    disabled: int | None = Field(description="Since when it is closed (us since 1970); null: open.")
    passkeys: int = Field(description="How many it has.")


class NewAccount(BaseModel):
    """Who may sign in."""

    name: Text = Field(min_length=1, max_length=LONGEST_NAME)
    roles: list[PersonRole] = Field(min_length=1, max_length=10)
    units: list[Text] = Field([], max_length=100, description="Empty: all of the site.")
    people: list[SubjectKey] = Field(
        [], max_length=100, description="Of a resident's or a family's account: keys of whom."
    )


class Which(BaseModel):
    """Which account."""

    account: str = Field(max_length=40)


class NewLink(BaseModel):
    """A link by which somebody signs in once."""

    address: str = Field(description="To be given to that person and to nobody else.")
    until: int = Field(description="us since 1970")


@routes.post("/api/break-glass", permission="glass:break", responses=documented(404))
def break_glass(glass: Glass, caller: Signed, here: Here) -> Granted:
    """Look at somebody who is not one's own, for an hour, for a reason; the auditor sees who did."""
    here.rules.require(caller, "glass:break", glass.subject)
    now = here.clock()
    grant = Grant(caller.account, glass.subject, glass.reason, now, now + BREAK_GLASS_US)
    try:
        here.accounts.break_glass(caller.actor(), grant)
    except KeyError:
        raise Refusal(404, "nobody of this key") from None
    here.read_anew(caller.session)
    return Granted(until=grant.until)


@routes.get("/api/accounts", permission=MANAGE)
def accounts(caller: Signed, here: Here) -> list[AccountInfo]:
    """The accounts of the site, or of the units that one manages."""
    keys = [one.account for one in here.accounts.passkeys()]
    return [_info(one, keys.count(one.key)) for one in here.accounts.all() if _theirs(caller, one.units)]


@routes.post("/api/accounts/add", permission=MANAGE, responses=documented(404))
def add_account(new: NewAccount, caller: Signed, here: Here) -> AccountInfo:
    """Make an account; it signs in by a link, then by a passkey of its own."""
    if not _theirs(caller, frozenset(new.units)):
        seen = "an account for units that are not yours"
        raise Refusal(403, seen, fix="name units of yours", rule="accounts:units")
    try:
        made = here.accounts.add(caller.actor(), new.name, new.roles, here.clock(), new.units, new.people)
    except KeyError:
        raise Refusal(404, "nobody of one of these keys") from None
    return _info(made, 0)


@routes.post("/api/accounts/link", permission=MANAGE, responses=documented(404, 409))
def link_account(which: Which, caller: Signed, here: Here) -> NewLink:
    """A link for an account, good once and for a quarter of an hour."""
    now = here.clock()
    try:
        secret = here.accounts.new_link(caller.actor(), _known(here, caller, which), now)
    except SignInError as problem:
        raise Refusal(409, problem.seen, fix="open the account again") from None
    return NewLink(address=link_address(here.settings.origin, secret), until=now + LINK_GOOD_US)


@routes.post("/api/accounts/disable", permission=MANAGE, status_code=204, responses=documented(404))
def disable_account(which: Which, caller: Signed, here: Here) -> None:
    """Close an account: its sessions and streams end at once."""
    here.accounts.disable(caller.actor(), _known(here, caller, which), here.clock())


@routes.post("/api/accounts/enable", permission=MANAGE, status_code=204, responses=documented(404))
def enable_account(which: Which, caller: Signed, here: Here) -> None:
    """Open an account again."""
    here.accounts.enable(caller.actor(), _known(here, caller, which))


def _known(here: Served, caller: Caller, which: Which) -> str:
    """The key of an account that a caller manages; others are not there for them."""
    if not any(one.key == which.account and _theirs(caller, one.units) for one in here.accounts.all()):
        raise Refusal(404, "no such account of yours")
    return which.account


def _theirs(caller: Caller, units: frozenset[str]) -> bool:
    """Whether who manages some units manages an account of these: none are all of the site, which is more."""
    return not caller.units or (bool(units) and units <= caller.units)


def _info(account: Account, passkeys: int) -> AccountInfo:
    return AccountInfo(
        account=account.key,
        name=account.name,
        roles=list(account.roles),
        units=sorted(account.units),
        created=account.created,
        disabled=account.disabled,
        passkeys=passkeys,
    )
