"""Saying what codes mean: tried first, then kept, used at once, and applied to what came before."""

from __future__ import annotations

import asyncio

from caretwin.serve.web.caller import Caller
from caretwin.serve.web.problems import Refusal, documented
from caretwin.serve.web.routes.quality import SEE, searches
from caretwin.serve.web.routing import Here, Routes, Signed
from caretwin.serve.web.served import Served
from caretwin.serve.web.views.mapping import (
    AskedMapping,
    AskedTry,
    DoorMapping,
    MappingDone,
    MappingPreview,
    MappingRule,
    Mappings,
)

EDIT = "mapping:edit"
_NO_FILE = documented(404, 409)

routes = Routes("quality")


@routes.get("/api/mapping", permission=SEE, response_model=Mappings)
async def get_mappings(here: Here, caller: Signed) -> Mappings:
    """The site's own rules for the codes of each door, and whether they can be changed here."""

    def found() -> Mappings:
        whole = searches(here, caller)
        return Mappings(doors=[_of(here, name, whole) for name in here.running.intakes])

    return await asyncio.to_thread(found)


def _of(here: Served, door: str, whole: bool) -> DoorMapping:
    try:
        file = here.mappings.standing(door)
    except Refusal as problem:
        return DoorMapping(door=door, editable=False, why=problem.reason, digest=None, shared=[], rules=[])
    rules = [MappingRule.model_validate({**row, "note": row["note"] if whole else None}) for row in file.rows]
    why, shared = here.mappings.read_only(file), [one for one in file.doors if one != door]
    return DoorMapping(door=door, editable=not why, why=why, digest=file.digest, shared=shared, rules=rules)


@routes.post("/api/mapping/try", permission=EDIT, response_model=MappingPreview, responses=_NO_FILE)
async def try_mapping(here: Here, caller: Signed, asked: AskedTry) -> MappingPreview:
    """What rules would make of what is kept; nothing is changed. A rule that cannot be is told with its index."""
    return await asyncio.to_thread(here.mappings.tried, caller, asked.door, asked.rules)


@routes.post("/api/mapping", permission=EDIT, response_model=MappingDone, responses=_NO_FILE)
async def add_to_mapping(here: Here, caller: Signed, asked: AskedMapping) -> MappingDone:
    """Add rules to the mapping of a door, which maps by them from now on, and apply them to what is kept.

    409 with the digest now, and the rules that were added and removed, where somebody else was quicker.
    """
    return await _add(here, caller, asked)


async def _add(here: Served, caller: Caller, asked: AskedMapping) -> MappingDone:
    desk = here.mappings
    async with desk.turn:
        file, mapping = await asyncio.to_thread(desk.write, caller, asked.door, asked.rules, asked.digest)
        desk.use(file, mapping)  # on this loop, between two messages
        return await asyncio.to_thread(desk.apply, caller, file, mapping)
