"""How data come in: the doors, for who runs the site."""

from __future__ import annotations

import asyncio

from caretwin.serve.web.caller import Caller
from caretwin.serve.web.door_answers import quality_of
from caretwin.serve.web.routing import Here, Routes, Signed
from caretwin.serve.web.served import Served
from caretwin.serve.web.views.quality import Doors

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
