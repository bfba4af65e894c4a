"""The audit trail, for auditors: who looked at what, by which rule, and who was refused."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from caretwin.record.audit import Act, Wanted
from caretwin.serve.access.rules import FLAG
from caretwin.serve.web.caller import Caller
from caretwin.serve.web.routing import Here, Routes, Signed
from caretwin.serve.web.served import Served
from caretwin.serve.web.views.audit import AskedAudit, AuditPage, AuditRow

SEE = "audit:see"
_ACCOUNT = "account:"

routes = Routes("audit")


@routes.get("/api/audit", permission=SEE, response_model=AuditPage)
async def get_audit(here: Here, caller: Signed) -> AuditPage:
    """The newest rows of the trail, and whether all of it is as it was written."""
    return await asyncio.to_thread(_page, here, caller, AskedAudit())


@routes.post("/api/audit", permission=SEE, response_model=AuditPage)
async def search_audit(here: Here, caller: Signed, asked: AskedAudit) -> AuditPage:
    """Rows of the trail that are looked for: of a person, of an account, of leave to look."""
    return await asyncio.to_thread(_page, here, caller, asked)


def _page(here: Served, caller: Caller, asked: AskedAudit) -> AuditPage:
    wanted = Wanted(
        asked.account, asked.subject or "", asked.action, FLAG if asked.flagged else "", asked.allowed, asked.start,
        asked.stop,
    )  # fmt: skip
    found = here.reading(caller).acts(wanted, asked.most + 1, asked.before)
    now, names = here.clock(), here.view.names()
    rows = [_row(number, act, names) for number, act in found[: asked.most]]
    before = rows[-1].n if len(found) > asked.most else None
    return AuditPage(now=now, rows=rows, before=before, chain=here.chain.chain(now))


def _row(number: int, act: Act, names: Mapping[str, str]) -> AuditRow:
    account = _ACCOUNT + act.actor.partition(_ACCOUNT)[2]
    return AuditRow(
        n=number, at=act.at, actor=act.actor, name=names.get(account), action=act.action,
        subjects=act.subject.split(), allowed=act.allowed, rule=act.rule, detail=act.detail,
        flagged=FLAG in act.rule or act.action == FLAG,
    )  # fmt: skip
