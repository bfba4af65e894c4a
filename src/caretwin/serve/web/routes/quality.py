"""How data come in: the doors, and the codes that nobody mapped, for who runs the site."""

from __future__ import annotations

import asyncio

from caretwin.record.store import keep
from caretwin.serve.web.caller import Caller
from caretwin.serve.web.door_answers import quality_of
from caretwin.serve.web.routing import Here, Routes, Signed
from caretwin.serve.web.served import Served
from caretwin.serve.web.unmapped_answers import terms, unmapped_codes
from caretwin.serve.web.views.quality import Doors, UnmappedCodes, Vocabulary

SEE, SEARCH = "quality:see", "record:search"

routes = Routes("quality")


def searches(here: Served, caller: Caller) -> bool:
    """Whether a caller may look through the record: what was sent is shown to them, and the look is audited."""
    allowed = here.rules.decide(caller, SEARCH).allow
    if allowed:
        here.reading(caller).of([""])
    return allowed


@routes.get("/api/doors", permission=SEE, response_model=Doors)
async def get_doors(here: Here, caller: Signed) -> Doors:
    """Every door: where it listens, how it is doing, and what came of what it took in."""
    whole = await asyncio.to_thread(searches, here, caller)
    now = here.running.clock()  # on the loop of the doors, so that nothing counts meanwhile
    return Doors(now=now, doors=[quality_of(one, now, whole=whole) for one in here.running.intakes.values()])


@routes.get("/api/unmapped", permission=SEE, response_model=UnmappedCodes)
async def get_unmapped(here: Here, caller: Signed) -> UnmappedCodes:
    """Codes that came in and that nobody has mapped, with the channels that they may mean."""

    def found() -> UnmappedCodes:
        whole = searches(here, caller)
        for intake in here.running.intakes.values():
            intake.flush()  # what came a moment ago is not on the list yet
        return unmapped_codes(keep.unmapped(here.running.record.connection()), here.running.clock(), whole=whole)

    return await asyncio.to_thread(found)


@routes.get("/api/vocabulary", permission="session:own", response_model=Vocabulary)
async def get_vocabulary() -> Vocabulary:
    """Every channel that a code can mean, with its unit and the range of plausible values."""
    return Vocabulary(terms=terms())
