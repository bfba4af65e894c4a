"""The first start: nobody can sign in yet, and there is no password to begin with, so a link is made."""

from __future__ import annotations

from caretwin.record.access import Actor
from caretwin.serve.web.link import link_address
from caretwin.serve.web.served import Served

FIRST_NAME, FIRST_ROLES = "Administrator", ("manager", "engineer")
"""Who comes first makes the accounts and sets up the site; it sees no patients."""


def first_link(served: Served, by: Actor) -> str:
    """A link for whoever sets the site up, as long as no account has a way to sign in that lasts; else "".

    It is good once and for a short time; the next start makes another.
    """
    accounts, now = served.accounts, served.clock()
    if accounts.ever_secured():
        return ""
    able = [one for one in accounts.all() if one.disabled is None and set(FIRST_ROLES) & set(one.roles)]
    account = able[0] if able else accounts.add(by, FIRST_NAME, FIRST_ROLES, now)
    return link_address(served.settings.origin, accounts.new_link(by, account.key, now))
