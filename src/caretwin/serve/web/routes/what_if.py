"""Trying a change on a twin, proposing it, and reviewing what was proposed."""

from __future__ import annotations

import asyncio

from caretwin import __version__
from caretwin.review.afterwards import afterwards
from caretwin.review.recommendations import Recommendation, all_of, propose, review
from caretwin.serve.ward_loop import WardLoop
from caretwin.serve.web.caller import Caller
from caretwin.serve.web.problems import Refusal, documented
from caretwin.serve.web.recommendation_views import proposal_of, shown
from caretwin.serve.web.routes.person import reading_of
from caretwin.serve.web.routing import Here, Routes, Signed
from caretwin.serve.web.served import Served
from caretwin.serve.web.views.review import AskedProposal, AskedReview, Queue, ShownRecommendation
from caretwin.serve.web.views.what_if import AskedFutures, Futures
from caretwin.serve.web.what_if_answer import futures
from caretwin.twin.living.checkpoints import model_name

_NO_TWIN = documented(404, 409)

routes = Routes("what-if")


def loop_of(here: Served, subject: str) -> WardLoop:
    """The ward in which a person's twin lives. Raises Refusal (409) where there is no such twin."""
    loop = here.running.loop
    if loop is None:
        raise Refusal(409, "this site keeps what comes and has no twins", fix="start it without --no-twins")
    if loop.ward is None or loop.ward.subjects().get(subject) is None:
        fix = "look at the person's page: it says what the twin waits for"
        raise Refusal(409, "no twin of this person lives here, or it has not taken in a row yet", fix=fix)
    return loop


@routes.post("/api/what-if", permission="what_if:try", response_model=Futures, responses=_NO_TWIN)
async def try_plans(here: Here, caller: Signed, asked: AskedFutures) -> Futures:
    """The futures of plans beside no change, on the same twin with the same luck; nothing is kept."""

    def found() -> Futures:
        here.rules.require(caller, "what_if:try", asked.subject)
        reading_of(here, caller, asked.subject).of([asked.subject])
        return futures(loop_of(here, asked.subject), asked.subject, asked.plans, here.running.clock())

    return await asyncio.to_thread(found)


@routes.post("/api/recommendations/propose", permission="recommendation:propose", response_model=ShownRecommendation,
             responses=_NO_TWIN)  # fmt: skip
async def propose_change(here: Here, caller: Signed, asked: AskedProposal) -> ShownRecommendation:
    """Keep a plan with its futures, for a person to review."""
    return await asyncio.to_thread(_propose, here, caller, asked)


def _propose(here: Served, caller: Caller, asked: AskedProposal) -> ShownRecommendation:
    here.rules.require(caller, "recommendation:propose", asked.subject)
    reading = reading_of(here, caller, asked.subject)
    loop, now = loop_of(here, asked.subject), here.running.clock()
    answer = futures(loop, asked.subject, [asked.change], now)
    provenance = {"code": __version__, "model": model_name(loop.twin), "at": now}
    actor = caller.actor()
    sequence = propose(here.running.record, actor, asked.subject, proposal_of(answer, asked.reason), now, provenance)
    here.view.changed(asked.subject)
    (kept,) = [one for one in all_of(reading, asked.subject, now) if one.sequence == sequence]
    return shown(kept, now, here.view.names(), None)


@routes.get("/api/recommendations", permission="recommendation:review", response_model=Queue)
async def get_recommendations(here: Here, caller: Signed) -> Queue:
    """Recommendations of the last week of all whom the caller may see, with what came of them."""
    return await asyncio.to_thread(_queue, here, caller)


def _queue(here: Served, caller: Caller) -> Queue:
    here.view.draw()
    now, reading, names = here.running.clock(), here.reading(caller), here.view.names()
    found: list[Recommendation] = []
    for subject in sorted(here.view.visible(caller)):
        found += all_of(reading, subject, now)
    ordered = sorted(found, key=lambda one: (one.state(now) != "waiting", -one.at))
    return Queue(now=now, recommendations=[shown(one, now, names, afterwards(reading, one)) for one in ordered])


@routes.post("/api/recommendations/review", permission="recommendation:review", response_model=ShownRecommendation,
             responses=documented(404))  # fmt: skip
async def review_change(here: Here, caller: Signed, asked: AskedReview) -> ShownRecommendation:
    """Accept, change or reject what was proposed, with a reason."""

    def kept() -> ShownRecommendation:
        here.rules.require(caller, "recommendation:review", asked.subject)
        reading, now = reading_of(here, caller, asked.subject), here.running.clock()
        said = (asked.verdict, asked.reason, now, asked.words)
        review(here.running.record, caller.actor(), asked.subject, asked.seq, *said)
        here.view.changed(asked.subject)
        (one,) = [one for one in all_of(reading, asked.subject, now) if one.sequence == asked.seq]
        return shown(one, now, here.view.names(), None)

    return await asyncio.to_thread(kept)
