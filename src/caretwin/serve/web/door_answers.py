"""Doors as a page shows them: what came through each, in words, and what will never be made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from caretwin.ingest.door import Tier
from caretwin.ingest.intake import Intake
from caretwin.ingest.unusable import Tally
from caretwin.serve.web.views.quality import Count, DoorQuality, LastMessage, NeverUsed, Unusable

COUNTED: Mapping[str, str] = {
    "messages": "messages came",
    "accepted": "messages were taken in",
    "refused": "messages were refused, and wait in quarantine",
    "ignored": "messages had nothing for the record",
    "entries": "values and events were kept",
    "duplicates": "values and events were known already",
    "unmapped": "values have a code that nobody has mapped",
    "unusable": "values were kept and can never be used",
    "busy": "messages have to be sent again: the disk was busy",
    "reconnects": "times a connection was made anew",
    "restarts": "times the door was opened again after a mistake",
    "connections": "connections were made",
    "connects": "connections were made",
    "denied": "times somebody was turned away",
    "lost": "connections were lost",
    "timeouts": "connections ended in the midst of a message, or in silence",
    "garbage": "pieces came that are no messages",
    "broken": "messages came broken",
    "failed": "messages or questions failed, and come again",
    "findings": "things in files that somebody should look at",
    "clocks_apart": "messages whose clock is not ours",
    "stale_now": "values are stale now",
    "silent": "devices have gone silent",
    "not_told": "answers could not be given to their sender",
}
"""What doors count, in words; a name that is not here is shown as it is."""


TIERS: Mapping[Tier, Literal["field", "peer", "loopback"]] = {
    Tier.FIELD: "field", Tier.PEER: "peer", Tier.LOOPBACK: "loopback",
}  # fmt: skip


def quality_of(intake: Intake, now: int, *, whole: bool) -> DoorQuality:
    """A door; whole: with previews and examples of what was sent."""
    state, door = intake.state, intake.door
    place, _, remark = state.listening.partition(" (")
    return DoorQuality(
        name=door.name, kind=door.kind, title=door.title, tier=TIERS[door.tier], tested=door.tier.value,
        listening=place, remark=remark.removesuffix(")"),
        trouble=state.trouble,
        age_s=None if state.last_received is None else (now - state.last_received) / 1e6,
        reconnects=state.counters["reconnects"], busy=state.counters["busy"],
        counters=_counted(state.counters), unusable=_unusable(state.unusable, whole),
        last=[LastMessage(at=at, words=words) for at, words in state.last] if whole else None,
    )  # fmt: skip


def _counted(counters: Mapping[str, int]) -> list[Count]:
    """What was counted: in our order, then what only this door counts."""
    order = [*(name for name in COUNTED if name in counters), *sorted(counters.keys() - COUNTED.keys())]
    return [
        Count(name=name, words=COUNTED.get(name, name.replace("_", " ")), count=counters[name])
        for name in order if counters[name]
    ]  # fmt: skip


def _unusable(tally: Tally, whole: bool) -> list[Unusable]:
    by_reason: dict[str, list[NeverUsed]] = {}
    for name, cause, found in tally.most_common():
        example = found.last.said if whole else None
        by_reason.setdefault(cause, []).append(NeverUsed(name=name, times=found.times, example=example))
    told = [
        Unusable(reason=reason, times=sum(one.times for one in values), values=values)
        for reason, values in by_reason.items()
    ]
    return sorted(told, key=lambda one: -one.times)
