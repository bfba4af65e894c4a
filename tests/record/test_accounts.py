"""Accounts and what they sign in with: links are good once, sessions end, no secret is kept, all of it is audited."""

import pytest
from tests.record.conftest import Ticking
from tests.record.test_store import MR_B, MRS_A, Link, reader, seen, write

from caretwin.base.errors import DataError
from caretwin.record import audit
from caretwin.record.access import AccessDeniedError, Actor, operator
from caretwin.record.accounts import GATE, LINK_GOOD_US, Accounts, SignInError
from caretwin.record.record import Record
from caretwin.record.store.accounts import Account, Grant, Passkey

HOUR = 3_600_000_000
BOSS = operator()


@pytest.fixture
def accounts(record: Record) -> Accounts:
    return Accounts(record)


@pytest.fixture
def nurse(accounts: Accounts) -> Account:
    return accounts.add(BOSS, "  Ada  Ö. ", ["nurse", "manager"], 10, units=["icu 1", " icu 2"])


def refused(record: Record) -> list[tuple[str, str]]:
    return [
        tuple(row) for row in record.connection().query("SELECT actor, detail FROM audit WHERE allowed = 0 ORDER BY n")
    ]


def everything_kept(record: Record) -> bytes:
    """All that stands in the tables of accounts and in the audit trail."""
    tables = ("account", "passkey", "sign_in_link", "session", "oidc_identity", "break_glass", "audit", "meta")
    rows = [row for table in tables for row in record.connection().query(f"SELECT * FROM {table}")]
    return b"\n".join(one if isinstance(one, bytes) else str(one).encode() for row in rows for one in row)


def test_an_account_is_kept_with_its_roles_in_order_and_its_units(accounts: Accounts, nurse: Account) -> None:
    assert accounts.all() == [nurse] and nurse.disabled is None
    assert (nurse.name, nurse.roles, nurse.units) == ("Ada Ö.", ("nurse", "manager"), {"icu 1", "icu 2"})
    changed = accounts.let(BOSS, nurse.key, ["doctor"], [])
    assert accounts.of(nurse.key) == changed and (changed.roles, changed.units) == (("doctor",), frozenset())


@pytest.mark.parametrize(("name", "roles"), [("", ["nurse"]), ("x" * 200, ["nurse"]), ("A", []), ("A", ["twin"])])
def test_an_account_needs_a_name_and_roles_of_people(accounts: Accounts, name: str, roles: list[str]) -> None:
    with pytest.raises(DataError):
        accounts.add(BOSS, name, roles, 10)
    assert accounts.all() == []


def test_nobody_but_the_operator_makes_accounts_while_only_programs_are_known(
    accounts: Accounts, record: Record
) -> None:
    for actor in (
        Actor("twin", "twin"),
        Actor("door:mqtt", "door"),
        Actor("account:x", "nurse"),
        Actor("account:x", "manager"),
    ):
        with pytest.raises(AccessDeniedError):
            accounts.add(actor, "Eve", ["doctor"], 10)
    assert accounts.all() == [] and len(refused(record)) == 4


def test_a_link_lets_its_account_in_once(accounts: Accounts, nurse: Account, record: Record) -> None:
    secret = accounts.new_link(BOSS, nurse.key, 10)
    assert accounts.use_link(secret, 11).key == nurse.key
    with pytest.raises(SignInError, match="used"):
        accounts.use_link(secret, 12)
    assert [nurse.key in detail for _, detail in refused(record)] == [True]


def test_a_link_ends_with_its_time_and_with_the_next_one(accounts: Accounts, nurse: Account) -> None:
    old = accounts.new_link(BOSS, nurse.key, 10)
    new = accounts.new_link(BOSS, nurse.key, 20)
    with pytest.raises(SignInError, match="replaced"):
        accounts.use_link(old, 21)
    with pytest.raises(SignInError, match="too old"):
        accounts.use_link(new, 20 + LINK_GOOD_US)
    assert accounts.use_link(new, 19 + LINK_GOOD_US).key == nurse.key
    with pytest.raises(SignInError, match="nobody made"):
        accounts.use_link("something", 30)


def test_no_secret_is_kept(accounts: Accounts, nurse: Account, record: Record) -> None:
    link = accounts.new_link(BOSS, nurse.key, 10)
    cookie, _ = accounts.begin(nurse, "nurse", "direct care", 10, 10 + HOUR, "link")
    kept = everything_kept(record)
    assert link.encode() not in kept and cookie.encode() not in kept
    assert len(link) >= 43 and len(cookie) >= 43  # 256 bits


def test_a_session_is_found_by_its_secret_and_knows_when_it_ends(accounts: Accounts, nurse: Account) -> None:
    secret, session = accounts.begin(nurse, "manager", "service management", 10, 10 + HOUR, "passkey")
    assert accounts.session_of(secret) == session == accounts.session(session.number)
    assert (session.account, session.role, session.ends, session.ended) == (nurse.key, "manager", 10 + HOUR, None)
    assert accounts.session_of("another") is None
    accounts.seen({session.number: 500})
    accounts.seen({session.number: 400})
    found = accounts.session(session.number)
    assert found is not None and found.seen == 500
    accounts.end(session, 600, "signed out")
    found = accounts.session_of(secret)
    assert found is not None and found.ended == 600


def test_a_role_that_an_account_does_not_have_begins_no_session(
    accounts: Accounts, nurse: Account, record: Record
) -> None:
    with pytest.raises(SignInError, match="role"):
        accounts.begin(nurse, "auditor", "audit", 10, 20, "link")
    assert refused(record) == [(f"account:{nurse.key}", "as auditor")]


def test_who_is_disabled_is_out_at_once(accounts: Accounts, nurse: Account, record: Record) -> None:
    secret, _ = accounts.begin(nurse, "nurse", "direct care", 10, 10 + HOUR, "link")
    link, before = accounts.new_link(BOSS, nurse.key, 11), accounts.revision()
    accounts.disable(BOSS, nurse.key, 12)
    assert accounts.revision() != before
    session = accounts.session_of(secret)
    assert session is not None and session.ended == 12
    for way in (lambda: accounts.use_link(link, 13), lambda: accounts.new_link(BOSS, nurse.key, 13)):
        with pytest.raises(SignInError):
            way()
    accounts.enable(BOSS, nurse.key)
    session = accounts.session_of(secret)
    assert session is not None and session.ended == 12, "an old session does not come back"
    assert accounts.use_link(accounts.new_link(BOSS, nurse.key, 20), 21).key == nurse.key


def test_a_passkey_is_of_one_account_and_counts_its_uses(accounts: Accounts, nurse: Account) -> None:
    assert not accounts.ever_secured()
    passkey = Passkey(b"\x01\x02", nurse.key, b"key", 0, "tablet", 10)
    accounts.add_passkey(GATE, passkey)
    assert accounts.passkeys() == [passkey] and accounts.ever_secured()
    other = accounts.add(BOSS, "Bo", ["doctor"], 10)
    with pytest.raises(DataError, match="known already"):
        accounts.add_passkey(GATE, passkey._replace(account=other.key))
    assert accounts.used_passkey(passkey, 7).key == nurse.key
    assert accounts.passkeys(nurse.key)[0].sign_count == 7 and accounts.passkeys(other.key) == []
    with pytest.raises(KeyError):
        accounts.remove_passkey(GATE, other.key, passkey.credential)
    accounts.remove_passkey(GATE, nurse.key, passkey.credential)
    assert accounts.passkeys() == []


def test_an_identity_of_a_provider_is_one_account(accounts: Accounts, nurse: Account) -> None:
    accounts.add_identity(BOSS, "https://id.example.org", "s-1", nurse.key, 10)
    found = accounts.by_identity("https://id.example.org", "s-1")
    assert found is not None and found.key == nurse.key and accounts.ever_secured()
    assert accounts.by_identity("https://other.example.org", "s-1") is None


def test_leave_to_look_needs_a_reason_and_one_who_may_take_it(
    accounts: Accounts, nurse: Account, record: Record
) -> None:
    key = write(record, 5, seen(1, 1))
    with pytest.raises(DataError, match="no reason"):
        accounts.break_glass(BOSS, Grant(nurse.key, key, "  ", 10, 10 + HOUR))
    with pytest.raises(AccessDeniedError):
        accounts.break_glass(BOSS, Grant(nurse.key, key, "arrest in the corridor", 10, 10 + HOUR))


def test_leave_to_look_counts_for_all_keys_of_a_person(record: Record, nurse: Account, accounts: Accounts) -> None:
    key, other = write(record, 5, seen(1, 1)), write(record, 5, seen(2, 2, subject=MR_B))
    with record.writing(BOSS, "configure", "for a test") as it:
        from caretwin.record.store.accounts import add_grant

        add_grant(it, Grant(nurse.key, other, "arrest", 10, 10 + HOUR))
    assert [one.subject for one in accounts.grants(20)] == [other] and accounts.grants(10 + HOUR) == []
    before = accounts.revision()
    write(record, 6, Link(MRS_A, MR_B, "adt"))
    assert accounts.revision() != before
    assert {one.subject for one in accounts.grants(20)} == {key, other}
    record.erase(BOSS, key, "asked for")
    assert accounts.grants(20) == [] and reader(record).subjects() == []


def test_a_familys_account_is_about_somebody(accounts: Accounts, record: Record) -> None:
    key = write(record, 5, seen(1, 1))
    with pytest.raises(DataError, match="about nobody"):
        accounts.add(BOSS, "Daughter", ["family"], 10)
    with pytest.raises(KeyError):
        accounts.add(BOSS, "Daughter", ["family"], 10, people=["p000000000000"])
    made = accounts.add(BOSS, "Daughter", ["family"], 10, people=[key])
    assert accounts.of(made.key).people == {key}


def test_every_change_of_accounts_stands_in_the_audit_trail(
    accounts: Accounts, nurse: Account, record: Record, clock: Ticking
) -> None:
    accounts.use_link(accounts.new_link(BOSS, nurse.key, clock()), clock())
    _, session = accounts.begin(nurse, "nurse", "direct care", 10, 20, "link")
    accounts.end(session, 15, "signed out")
    rows = record.connection().query("SELECT actor, action FROM audit ORDER BY n")
    person = f"account:{nurse.key}"
    wanted = [(BOSS.name, "accounts")] * 2 + [(GATE.name, "sign-in")] + [(person, "sign-in")] * 2
    assert [tuple(row) for row in rows] == wanted
    assert audit.verify(record.connection())[1] is None
