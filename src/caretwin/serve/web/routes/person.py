"""One person: what there is, series, forecasts, and where a value came from."""

from __future__ import annotations

import asyncio

from caretwin.record.bedside import Person as RecordedPerson
from caretwin.record.reading import Reading
from caretwin.serve.web.caller import Caller
from caretwin.serve.web.person_answers import channels_of, event_of, facts_of, fans_of, said_before, series_of
from caretwin.serve.web.problems import Refusal, documented
from caretwin.serve.web.provenance_answer import provenance_of
from caretwin.serve.web.routing import Here, Routes, Signed
from caretwin.serve.web.served import Served
from caretwin.serve.web.views.person import (
    Asked,
    AskedOrigin,
    AskedSeries,
    Forecasts,
    Person,
    Provenance,
    SeriesAnswer,
)
from caretwin.twin.kept_forecasts import FORECAST, HOUR
from caretwin.twin.living.course import MINUTE

EVENTS_BACK_US = 30 * 24 * HOUR
FORECASTS_BACK_US = 24 * HOUR
"""us back that is told what the twin had said."""
MOST_EVENTS = 500
_ABOUT_NOBODY = documented(404)

routes = Routes("person")


def reading_of(here: Served, caller: Caller, subject: str) -> Reading:
    """The record as a caller may read it about somebody.

    Raises AccessDeniedError for who is not theirs; Refusal (404) for nobody.
    """
    here.rules.require(caller, "person:see", subject)
    reading = here.reading(caller)
    if not here.view.known(subject):
        raise Refusal(404, "nobody of this key is in the record", fix="go back to the board")
    return reading


@routes.post("/api/person", permission="person:see", response_model=Person, responses=_ABOUT_NOBODY)
async def get_person(here: Here, caller: Signed, asked: Asked) -> Person:
    """Who it is, which channels there are, and what happened in the last month."""
    return await asyncio.to_thread(_person, here, caller, asked.subject)


def _person(here: Served, caller: Caller, subject: str) -> Person:
    reading, now = reading_of(here, caller, subject), here.running.clock()
    loop = here.running.loop
    ward = None if loop is None else loop.ward
    living = ward is not None and subject in ward.subjects()
    who = ward.course(subject).body_known() if ward is not None and living else RecordedPerson(subject)
    spans, happened = reading.at_once(
        lambda: (reading.spans(subject), reading.events(subject, start=now - EVENTS_BACK_US))
    )
    return Person(
        now=now,
        row=here.view.row(subject),
        person=facts_of(who),
        channels=channels_of(spans),
        events=[event_of(one) for one in happened[-MOST_EVENTS:] if one.kind != "person"],
    )


@routes.post("/api/person/series", permission="person:see", response_model=SeriesAnswer, responses=_ABOUT_NOBODY)
async def get_series(here: Here, caller: Signed, asked: AskedSeries) -> SeriesAnswer:
    """Values of channels within a time, thinned where there are more than a chart can show."""

    def found() -> SeriesAnswer:
        reading = reading_of(here, caller, asked.subject)
        rows = series_of(reading, asked.subject, asked.channels, asked.start, asked.stop, asked.most)
        return SeriesAnswer(now=here.running.clock(), series=rows)

    return await asyncio.to_thread(found)


@routes.post("/api/person/forecasts", permission="person:see", response_model=Forecasts, responses=_ABOUT_NOBODY)
async def get_forecasts(here: Here, caller: Signed, asked: Asked) -> Forecasts:
    """What the twin says comes next, and what it had said an hour before what came."""
    return await asyncio.to_thread(_forecasts, here, caller, asked.subject)


def _forecasts(here: Served, caller: Caller, subject: str) -> Forecasts:
    reading, now = reading_of(here, caller, subject), here.running.clock()
    kept = reading.derived(subject, [FORECAST], now - FORECASTS_BACK_US)
    loop = here.running.loop
    said = [] if loop is None else loop.forecasts.said.get(subject, [])
    doubt = None if loop is None else loop.forecasts.doubts.get(subject)
    return Forecasts(
        said_at=said[0].at if said else None,
        fans=fans_of(said),
        before=said_before(kept),
        wider=None if doubt is None else doubt.wider,
        helps="" if doubt is None else doubt.helps,
        trouble="" if loop is None else loop.forecasts.troubles.get(subject, ""),
    )


@routes.post("/api/provenance", permission="person:see", response_model=Provenance, responses=_ABOUT_NOBODY)
async def get_provenance(here: Here, caller: Signed, asked: AskedOrigin) -> Provenance:
    """Where a value came from, all its versions, and what the twin did with it."""
    return await asyncio.to_thread(_provenance, here, caller, asked)


def _provenance(here: Served, caller: Caller, asked: AskedOrigin) -> Provenance:
    reading = reading_of(here, caller, asked.subject)
    found = reading.origin(asked.subject, asked.seq)
    if found is None:
        raise Refusal(404, "no value of this number is this person's", fix="reload the chart")
    loop = here.running.loop
    alive = None if loop is None or loop.ward is None else loop.ward.subjects().get(asked.subject)
    upto = None if alive is None else alive.minute * MINUTE
    return provenance_of(reading, asked.subject, found, None if loop is None else loop.twin, upto)
