"""A recommendation between the record and the browser: a proposal of futures, and what is shown of one."""

from __future__ import annotations

from collections.abc import Mapping

from caretwin.decide.what_if import BANDS
from caretwin.review.afterwards import Afterwards, Came
from caretwin.review.recommendations import Foretold, Proposal, Recommendation
from caretwin.serve.web.views.review import ShownForetold, ShownLimit, ShownRecommendation, ShownReview
from caretwin.serve.web.views.what_if import Futures, PlanFuture, ReadingBand

KEPT_MINUTES = (30.0, 60.0)
"""min of the futures that a proposal keeps: what can be looked back at."""
LOW, MEDIAN, HIGH = BANDS.index(0.05), BANDS.index(0.5), BANDS.index(0.95)


def proposal_of(answer: Futures, reason: str) -> Proposal:
    """The proposal of the one plan of an answer."""
    unchanged, planned = answer.plans
    pairs = list(zip(planned.readings, unchanged.readings, strict=True))
    foretold = [
        _foretold(with_it, without, answer.minutes.index(minute), minute)
        for minute in KEPT_MINUTES
        for with_it, without in pairs
    ]
    return Proposal(
        "what-if",
        planned.words,
        planned.change,
        tuple(foretold),
        _limits(planned, unchanged),
        (*planned.refused, *answer.doubts),
        reason.strip(),
    )


def _foretold(with_it: ReadingBand, without: ReadingBand, row: int, minute: float) -> Foretold:
    band = with_it.bands[row]
    known = (with_it.name, with_it.label, with_it.unit, minute)
    return Foretold(*known, band[LOW], band[MEDIAN], band[HIGH], without.bands[row][MEDIAN])


def _limits(planned: PlanFuture, unchanged: PlanFuture) -> dict[str, tuple[float, float]]:
    without = {one.name: one.chance for one in unchanged.limits}
    return {one.label: (one.chance, without[one.name]) for one in planned.limits}


def shown(one: Recommendation, now: int, names: Mapping[str, str], came: Afterwards | None) -> ShownRecommendation:
    """A recommendation for the browser.

    names  of accounts by their actor; came  what was charted afterwards, None where nobody looked
    """
    proposal = one.proposal
    rows = came.came if came is not None else tuple(Came(row, None, None) for row in proposal.foretold)
    told = one.review
    return ShownRecommendation(
        seq=one.sequence,
        subject=one.subject,
        at=one.at,
        by=names.get(one.by, one.by),
        role=one.role,
        state=one.state(now),
        question=proposal.question,
        words=proposal.words,
        reason=proposal.reason,
        change=dict(proposal.change),
        foretold=[_shown(row) for row in rows],
        limits=[
            ShownLimit(label=label, planned=planned, unchanged=without)
            for label, (planned, without) in (proposal.limits or {}).items()
        ],
        doubts=list(proposal.doubts),
        model=str(one.provenance.get("model", "")),
        review=None
        if told is None
        else ShownReview(
            at=told.at, by=names.get(told.by, told.by), role=told.role, verdict=told.verdict, reason=told.reason,
            words=told.words,
        ),
        done={} if came is None else dict(came.done),
    )  # fmt: skip


def _shown(row: Came) -> ShownForetold:
    one = row.foretold
    return ShownForetold(
        label=one.label, unit=one.unit, minute=one.minute, low=one.low, median=one.median, high=one.high,
        unchanged=one.unchanged, came=row.value, inside=row.inside,
    )  # fmt: skip
