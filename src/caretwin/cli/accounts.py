"""``caretwin accounts``: who may sign in to the web application of a site; without a password, by a link at first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from caretwin.cli.errors import friendly
from caretwin.cli.record_open import add_row, find_subject, new_table, open_as_operator, print_table, time_text

if TYPE_CHECKING:
    from caretwin.record.access import Actor
    from caretwin.record.accounts import Accounts
    from caretwin.record.record import Record
    from caretwin.serve.web.settings import WebSettings

CONFIGURATION = click.argument("configuration", type=click.Path(path_type=Path))
ACCOUNT = click.argument("account")
ROLES = ["nurse", "doctor", "pharmacist", "therapist", "carer", "manager", "engineer", "auditor", "resident", "family"]


@click.group()
def command() -> None:
    """Who may sign in to the web application of the site of a CONFIGURATION file (its section [web]).

    There are no passwords. An account signs in once by a link, which is good for 15 minutes, and adds a passkey then.
    """


@command.command("add")
@CONFIGURATION
@click.argument("name")
@click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    type=click.Choice(ROLES),
    help="May be given again; the first is usual.",
)
@click.option("--unit", "units", multiple=True, help="A unit that it works at; may be given again. Default: all.")
@click.option("--person", "people", multiple=True, help="Whose record a resident or a family may see: key or number.")
@friendly
def add(
    configuration: Path, name: str, roles: tuple[str, ...], units: tuple[str, ...], people: tuple[str, ...]
) -> None:
    """Make an account that others see as NAME, and print its link."""
    from caretwin.serve.clock import wall

    record, accounts, web = _opened(configuration)
    reading = record.reading(_operator())
    keys = [find_subject(reading, one, "--person") for one in people]
    account = accounts.add(_operator(), name, roles, wall(), units, keys)
    where = ", ".join(sorted(account.units)) or "all of the site"
    click.echo(f"{account.key}: {account.name}, {', '.join(account.roles)}, {where}")
    _print_link(accounts, web, account.key)
    record.close()


@command.command("list")
@CONFIGURATION
@friendly
def list_(configuration: Path) -> None:
    """All accounts: key, name, roles, units, passkeys, since when, and whether they are closed."""
    record, accounts, _ = _opened(configuration)
    keys = [one.account for one in accounts.passkeys()]
    table = new_table("account", "name", "roles", "units", "passkeys", "made", "closed")
    for one in accounts.all():
        units, times = ", ".join(sorted(one.units)) or "all", (one.created, one.disabled)
        made, closed = (time_text(at, "minute") for at in times)
        add_row(table, one.key, one.name, ", ".join(one.roles), units, str(keys.count(one.key)), made, closed)
    print_table(table)
    record.close()


@command.command("disable")
@CONFIGURATION
@ACCOUNT
@friendly
def disable(configuration: Path, account: str) -> None:
    """Close an ACCOUNT (key, or name): its sessions and open streams end at once."""
    from caretwin.serve.clock import wall

    record, accounts, _ = _opened(configuration)
    key = _found(accounts, account)
    accounts.disable(_operator(), key, wall())
    record.close()
    click.echo(f"{key} is closed; its sessions are over")


@command.command("enable")
@CONFIGURATION
@ACCOUNT
@friendly
def enable(configuration: Path, account: str) -> None:
    """Open an ACCOUNT (key, or name) that was closed; its passkeys are good again."""
    record, accounts, _ = _opened(configuration)
    key = _found(accounts, account)
    accounts.enable(_operator(), key)
    record.close()
    click.echo(f"{key} is open")


@command.command("link")
@CONFIGURATION
@ACCOUNT
@friendly
def link(configuration: Path, account: str) -> None:
    """Print a link by which an ACCOUNT (key, or name) signs in once, within 15 minutes: such as for a lost passkey."""
    record, accounts, web = _opened(configuration)
    _print_link(accounts, web, _found(accounts, account))
    record.close()


def _opened(configuration: Path) -> tuple[Record, Accounts, WebSettings]:
    """The record of a site, its accounts, and where its web application is. Raises DataError where it has none."""
    from caretwin.base.errors import DataError
    from caretwin.record.accounts import Accounts
    from caretwin.serve.site import read_site

    site = read_site(configuration)
    if site.web is None:
        fix = "write [web] into it (docs/web.md)"
        where = f"configuration {configuration}"
        raise DataError(where, seen="no section [web]", wanted="a site with a web application", fix=fix)
    record, _ = open_as_operator(site.record)
    return record, Accounts(record), site.web.at_port(site.web.address()[1])


def _operator() -> Actor:
    from caretwin.record.access import operator

    return operator()


def _found(accounts: Accounts, text: str) -> str:
    """The key of an account, by its key or its name. Raises BadParameter."""
    found = [one.key for one in accounts.all() if text in (one.key, one.name)]
    if len(found) != 1:
        seen = f"{len(found)} accounts are called {text!r}: write the key" if found else f"no account {text!r}"
        raise click.BadParameter(f"{seen}; caretwin accounts list shows them", param_hint="ACCOUNT")
    return found[0]


def _print_link(accounts: Accounts, web: WebSettings, key: str) -> None:
    from caretwin.record.accounts import LINK_GOOD_US
    from caretwin.serve.clock import wall
    from caretwin.serve.web.link import link_address

    click.echo(f"good once, for {LINK_GOOD_US // 60_000_000} minutes, for this person alone:")
    click.echo(link_address(web.origin, accounts.new_link(_operator(), key, wall())))
