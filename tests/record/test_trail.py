"""The audit trail is read newest first, by what is looked for, on a file and on a server."""

import pytest

from caretwin.record import audit
from caretwin.record.access import Actor, operator
from caretwin.record.audit import Act, Wanted
from caretwin.record.record import Record

ACTS = (
    ("account:aa", "read", "p01", "care:person"), ("account:ab", "read", "p02", "care:person break-glass"),
    ("mapping by account:aa", "write", "p012", "role:operator:write"),
    ("account:a%", "quality:see", "", "default:deny"),
)  # fmt: skip


@pytest.fixture
def trail(record: Record, clock) -> Record:
    for actor, action, subject, rule in ACTS:
        clock.now += 10
        record.refused(Actor(actor, "nurse"), action, rule, "", subject)
    return record


def found(record: Record, most: int = 100, before: int | None = None, **wanted) -> list[str]:
    rows = record.reading(operator()).acts(Wanted(**{"allowed": False, **wanted}), most, before)
    return [act.actor for _, act in rows]


def test_the_newest_comes_first(trail):
    assert found(trail) == [actor for actor, *_ in reversed(ACTS)]
    assert found(trail, 2) == [actor for actor, *_ in ACTS[:1:-1]]
    numbers = [n for n, _ in trail.reading(operator()).acts(Wanted(allowed=False), 10)]
    assert found(trail, before=numbers[1]) == [actor for actor, *_ in ACTS[1::-1]]


def test_each_part_narrows_it(trail, clock):
    assert found(trail, actor="account:aa") == ["mapping by account:aa", "account:aa"]
    assert found(trail, actor="a%") == ["account:a%"] and found(trail, actor="a_") == []
    assert found(trail, subject="p01") == ["account:aa"], "a key is no part of another"
    assert found(trail, rule="break-glass") == ["account:ab"] and found(trail, action="write", subject="p01") == []
    assert found(trail, start=clock.now) == ["account:a%"] and len(found(trail, stop=clock.now)) == 3
    assert found(trail, allowed=True, actor="account:aa") == []


def test_a_trail_that_is_longer_than_one_look_is_whole_or_is_not(trail):
    last = audit.AT_ONCE + 3
    with trail.writing(operator(), "write", "many at once") as connection:
        audit.append(connection, [Act(number, "account:aa", "read", "p01", True, "a rule") for number in range(last)])
    rows, trouble = audit.verify(trail.connection())
    assert rows > last and trouble is None
    with trail.writing(operator(), "write", "a hand where none should be") as connection:
        connection.query("DELETE FROM audit WHERE n = ?", [audit.AT_ONCE + 1])
    assert audit.verify(trail.connection()) == (audit.AT_ONCE + 1, f"row {audit.AT_ONCE + 1} is missing")
