"""A recommendation is proposed, reviewed once by a person with a reason, and looked back at as it was foretold."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from caretwin.base.errors import DataError
from caretwin.record.access import AccessDeniedError, Actor, operator
from caretwin.record.entry import Batch, Identifier, Observation, SubjectRef
from caretwin.record.record import Record, open_record
from caretwin.review.afterwards import afterwards
from caretwin.review.recommendations import (
    LAPSES_AFTER_US,
    Foretold,
    Proposal,
    Recommendation,
    all_of,
    propose,
    review,
    waiting,
)

NOW = 29_000_000 * 60_000_000
MINUTE = 60_000_000
DOOR = Actor("door:test", "door")
WHO = SubjectRef((Identifier("urn:hospital", "4711"),))
FORETOLD = Foretold("mean_arterial_pressure_mmHg", "MAP", "mmHg", 30.0, 66.0, 71.0, 77.0, 61.0)
PROPOSAL = Proposal(
    "what-if", "norepinephrine 0.12 ug/kg/min (now 0.08)", {"norepinephrine": 0.12}, (FORETOLD,),
    {"arterial": (0.03, 0.6)}, ("the last blood gas is 9 h old",), "MAP stays low",
)  # fmt: skip


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Record]:
    opened = open_record(tmp_path / "record.db", lambda: NOW)
    yield opened
    opened.close()


@pytest.fixture
def subject(record: Record) -> str:
    return charted(record, "heart_rate", 80.0, NOW - MINUTE)


def charted(record: Record, code: str, value: float, at: int) -> str:
    entry = Observation(WHO, code, at, value, "chart", f"{code} {at}")
    return record.append(DOOR, [Batch((entry,), at, DOOR.name)])[0].subjects[0]


def only(record: Record, subject: str, now: int = NOW) -> Recommendation:
    (found,) = all_of(record.reading(operator()), subject, now)
    return found


def proposed(record: Record, subject: str) -> int:
    return propose(record, operator(), subject, PROPOSAL, NOW, {"model": "m 1"})


def test_what_was_proposed_waits_as_it_was_said(record: Record, subject: str) -> None:
    sequence = proposed(record, subject)
    found = only(record, subject)
    assert (found.sequence, found.proposal, found.by) == (sequence, PROPOSAL, operator().name)
    assert found.state(NOW) == "waiting" and waiting([found], NOW) == 1
    assert found.provenance == {"model": "m 1"}


def test_nobody_reviewed_it_in_time_and_it_lapses(record: Record, subject: str) -> None:
    sequence = proposed(record, subject)
    late = NOW + LAPSES_AFTER_US + 1
    assert only(record, subject, late).state(late) == "lapsed"
    with pytest.raises(DataError, match="lapsed"):
        review(record, operator(), subject, sequence, "accepted", "", late)


def test_a_review_is_a_persons_and_the_first_counts(record: Record, subject: str) -> None:
    sequence = proposed(record, subject)
    review(record, operator(), subject, sequence, "rejected", "she is about to be turned", NOW + MINUTE)
    found = only(record, subject)
    assert found.review is not None
    assert (found.review.verdict, found.review.reason) == ("rejected", "she is about to be turned")
    assert found.review.by == operator().name and found.state(NOW) == "rejected"
    with pytest.raises(DataError, match="rejected"):
        review(record, operator(), subject, sequence, "accepted", "", NOW + 2 * MINUTE)


WITHOUT_REASON = [("rejected", " ", ""), ("changed", "too much", ""), ("maybe", "x", "")]


@pytest.mark.parametrize("verdict, reason, words", WITHOUT_REASON)
def test_without_a_reason_nothing_is_rejected_or_changed(
    record: Record, subject: str, verdict: str, reason: str, words: str
) -> None:
    sequence = proposed(record, subject)
    with pytest.raises(DataError):
        review(record, operator(), subject, sequence, verdict, reason, NOW, words)  # type: ignore[arg-type]
    assert only(record, subject).review is None


def test_a_change_of_nothing_and_a_review_of_nothing_are_refused(record: Record, subject: str) -> None:
    with pytest.raises(DataError, match="nothing"):
        propose(record, operator(), subject, Proposal("what-if", "no change", {}), NOW, {})
    with pytest.raises(DataError, match="no such"):
        review(record, operator(), subject, 99_999, "accepted", "", NOW)


def test_whoever_may_not_propose_proposes_nothing(record: Record, subject: str) -> None:
    with pytest.raises(AccessDeniedError):
        propose(record, DOOR, subject, PROPOSAL, NOW, {})
    assert all_of(record.reading(operator()), subject, NOW) == []


def test_afterwards_it_is_seen_whether_it_was_done_and_came_true(record: Record, subject: str) -> None:
    proposed(record, subject)
    nothing = afterwards(record.reading(operator()), only(record, subject))
    assert nothing.done == {"norepinephrine": None} and nothing.came[0].value is None
    charted(record, "norepinephrine", 0.12, NOW + 5 * MINUTE)
    charted(record, "mean_arterial_pressure", 70.0, NOW + 28 * MINUTE)
    charted(record, "mean_arterial_pressure", 50.0, NOW + 49 * MINUTE)
    seen = afterwards(record.reading(operator()), only(record, subject))
    assert seen.done == {"norepinephrine": True}
    assert (seen.came[0].value, seen.came[0].inside) == (70.0, True)


def test_another_rate_is_not_what_was_proposed(record: Record, subject: str) -> None:
    proposed(record, subject)
    charted(record, "norepinephrine", 0.08, NOW + 5 * MINUTE)
    charted(record, "mean_arterial_pressure", 60.0, NOW + 30 * MINUTE)
    seen = afterwards(record.reading(operator()), only(record, subject))
    assert seen.done == {"norepinephrine": False} and seen.came[0].inside is False
