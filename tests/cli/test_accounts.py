"""Accounts on the command line: made, shown, closed, with links that are good once."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from caretwin.cli import main
from caretwin.record.accounts import Accounts, SignInError
from caretwin.record.record import open_record
from caretwin.serve.clock import wall


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site.toml"
    path.write_text('[record]\nurl = "ward.db"\n[web]\nlisten = "127.0.0.1:8499"\n')
    open_record(tmp_path / "ward.db", wall).close()
    return path


def said(*words: object, code: int = 0) -> str:
    found = CliRunner().invoke(main, ["accounts", *map(str, words)])
    assert found.exit_code == code, found.output
    return found.output


def secret(text: str) -> str:
    found = re.search(r"http://localhost:8499/#link=([\w-]{43,})", text)
    assert found is not None, text
    return found[1]


def test_an_account_is_made_with_a_link_that_lets_it_in(site: Path, tmp_path: Path) -> None:
    told = said("add", site, "Ada Ö.", "--role", "nurse", "--role", "manager", "--unit", "ICU")
    assert "Ada Ö., nurse, manager, ICU" in told and "15 minutes" in told
    record = open_record(tmp_path / "ward.db", wall)
    account = Accounts(record).use_link(secret(told), wall())
    assert (account.name, account.roles, account.units) == ("Ada Ö.", ("nurse", "manager"), {"ICU"})
    record.close()
    shown = said("list", site)
    assert account.key in shown and "nurse, manager" in shown and "ICU" in shown


def test_an_account_is_closed_and_opened_by_its_name(site: Path, tmp_path: Path) -> None:
    first = secret(said("add", site, "Bo", "--role", "doctor"))
    assert "all of the site" in said("add", site, "Cy", "--role", "doctor")
    assert "closed" in said("disable", site, "Bo")
    assert "disabled" in said("link", site, "Bo", code=1)
    record = open_record(tmp_path / "ward.db", wall)
    with pytest.raises(SignInError):
        Accounts(record).use_link(first, wall())
    assert "open" in said("enable", site, "Bo")
    assert Accounts(record).use_link(secret(said("link", site, "Bo")), wall()).name == "Bo"
    record.close()


def test_what_cannot_be_meant_is_told_plainly(site: Path, tmp_path: Path) -> None:
    assert "surgeon" in said("add", site, "Eve", "--role", "surgeon", code=2)
    assert "about nobody" in said("add", site, "Eve", "--role", "family", code=1)
    assert "no account 'Eve'" in said("disable", site, "Eve", code=2)
    said("add", site, "Bo", "--role", "nurse")
    said("add", site, "Bo", "--role", "doctor")
    assert "2 accounts are called" in said("link", site, "Bo", code=2)
    bare = tmp_path / "bare.toml"
    bare.write_text('[record]\nurl = "ward.db"\n')
    assert "no section [web]" in said("list", bare, code=1)
