"""A recommendation from proposal to what came of it: proposed, reviewed by a person with a reason, and looked back at.

Nothing here acts on anybody. A proposal says what was foretold and how sure that was; a person accepts, changes or
rejects it; what was charted afterwards stands beside what had been foretold, whether it was followed or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple, get_args

from caretwin.base.errors import DataError
from caretwin.record.access import Actor
from caretwin.record.entry import Batch, Derived, StoredDerived
from caretwin.record.reading import Reading
from caretwin.record.record import Record

KIND, REVIEW = "recommendation", "recommendation_review"
Verdict = Literal["accepted", "changed", "rejected"]
State = Literal["waiting", "accepted", "changed", "rejected", "lapsed"]
HOUR_US = 3_600_000_000
LAPSES_AFTER_US = HOUR_US
"""us after which a proposal that nobody reviewed is no longer one: as long as its futures reach."""
BACK_US = 7 * 24 * HOUR_US
"""us for which a queue looks back."""
LONGEST_REASON = 1000


@dataclass(frozen=True)
class Foretold:
    """What a plan would bring to a reading after so many minutes: nine in ten, and the median; with and without it."""

    reading: str
    label: str
    unit: str
    minute: float
    low: float
    median: float
    high: float
    unchanged: float


@dataclass(frozen=True)
class Proposal:
    """What is proposed for somebody.

    question  what was asked, such as "what-if"; words  the change as people say it; change  by name
    foretold  what it would bring; limits  chance of breaking each limit, with the plan and without
    doubts    what speaks against believing the twin; reason  of whoever proposes, may be empty
    """

    question: str
    words: str
    change: Mapping[str, float]
    foretold: tuple[Foretold, ...] = ()
    limits: Mapping[str, tuple[float, float]] | None = None
    doubts: tuple[str, ...] = ()
    reason: str = ""


class Reviewed(NamedTuple):
    """What a person decided: when (us), who, in which role, what, why, and to what it was changed."""

    at: int
    by: str
    role: str
    verdict: Verdict
    reason: str
    words: str = ""


class Recommendation(NamedTuple):
    """A proposal as it stands: its number in the record, when (us) and by whom, and its review."""

    sequence: int
    subject: str
    at: int
    by: str
    role: str
    proposal: Proposal
    provenance: Mapping[str, Any]
    review: Reviewed | None

    def state(self, now: int) -> State:
        """Where it stands at a time (us)."""
        if self.review is not None:
            return self.review.verdict
        return "lapsed" if now - self.at > LAPSES_AFTER_US else "waiting"


def propose(
    record: Record, actor: Actor, subject: str, proposal: Proposal, now: int, provenance: Mapping[str, Any]
) -> int:
    """Keep a proposal; returns its number.

    now  us; provenance  model, code and time of what was foretold
    Raises AccessDeniedError, and DataError for a proposal that changes nothing.
    """
    if not proposal.change:
        raise DataError(
            "recommendation", seen="a plan that changes nothing", wanted="a change", fix="there is nothing to review"
        )
    body = {**asdict(proposal), "by": actor.name, "role": actor.role}
    return _keep(record, actor, Derived(subject, KIND, now, body, provenance), now)


def review(
    record: Record, actor: Actor, subject: str, sequence: int, verdict: Verdict, reason: str, now: int, words: str = ""
) -> int:
    """Keep what a person decided about a proposal; returns the number of the review.

    reason  wanted unless it is accepted; words  to what it was changed, wanted where it was
    Raises AccessDeniedError; DataError for a proposal that is not there or not open any more, and without a reason.
    """
    where = f"review of recommendation {sequence}"
    found = next((one for one in all_of(record.reading(actor), subject, now) if one.sequence == sequence), None)
    if found is None:
        raise DataError(where, seen="no such recommendation of this person", wanted="one of the queue", fix="reload it")
    state = found.state(now)
    if state != "waiting":
        raise DataError(where, seen=f"it is {state}", wanted="one that waits", fix="reload the queue; propose it anew")
    if verdict not in get_args(Verdict):
        raise DataError(where, seen=verdict, wanted="accepted, changed or rejected", fix="say one of them")
    missing = (verdict != "accepted" and not reason.strip()) or (verdict == "changed" and not words.strip())
    if missing or len(reason) > LONGEST_REASON or len(words) > LONGEST_REASON:
        raise DataError(
            where,
            seen="no reason" if missing else "a reason that is too long",
            wanted=f"why it is {verdict}, and to what it was changed, in at most {LONGEST_REASON} characters",
            fix="say it: others learn from it",
        )
    body = {"verdict": verdict, "reason": reason.strip(), "words": words.strip(), "by": actor.name, "role": actor.role}
    return _keep(record, actor, Derived(subject, REVIEW, now, body, {}, sequence), now)


def _keep(record: Record, actor: Actor, entry: Derived, now: int) -> int:
    (receipt,) = record.append(actor, [Batch((entry,), now, actor.name)])
    return receipt.sequences[0]


def all_of(reading: Reading, subject: str, now: int, back: int = BACK_US) -> list[Recommendation]:
    """Recommendations of a person within the last time (us), the newest first."""
    kept = reading.derived(subject, [KIND, REVIEW], now - back)
    reviews: dict[int, StoredDerived] = {}
    for one in sorted(kept, key=lambda entry: entry.sequence):
        if one.kind == REVIEW and one.about is not None:
            reviews.setdefault(one.about, one)  # of two at the same moment the first counts
    found = [_recommendation(one, reviews.get(one.sequence)) for one in kept if one.kind == KIND]
    return sorted(found, key=lambda one: -one.sequence)


def waiting(recommendations: Sequence[Recommendation], now: int) -> int:
    """How many wait for a review."""
    return sum(one.state(now) == "waiting" for one in recommendations)


def _recommendation(one: StoredDerived, reviewed: StoredDerived | None) -> Recommendation:
    body = one.body
    proposal = Proposal(
        str(body["question"]),
        str(body["words"]),
        dict(body["change"]),
        tuple(Foretold(**row) for row in body["foretold"]),
        None if body["limits"] is None else {name: (pair[0], pair[1]) for name, pair in body["limits"].items()},
        tuple(body["doubts"]),
        str(body["reason"]),
    )
    told = None if reviewed is None else _reviewed(reviewed)
    known = (one.sequence, one.subject, one.at, str(body["by"]), str(body["role"]))
    return Recommendation(*known, proposal, one.provenance, told)


def _reviewed(one: StoredDerived) -> Reviewed:
    body = one.body
    words = (str(body["by"]), str(body["role"]), body["verdict"], str(body["reason"]), str(body["words"]))
    return Reviewed(one.at, *words)
