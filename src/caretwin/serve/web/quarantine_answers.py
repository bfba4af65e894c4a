"""Refused messages: which wait, what one says, and what becomes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from caretwin.ingest.again import ACCEPTED, DROPPED
from caretwin.record.access import Actor
from caretwin.record.store import keep
from caretwin.record.store.keep import Quarantined
from caretwin.serve.web.caller import Caller
from caretwin.serve.web.problems import Refusal
from caretwin.serve.web.served import Served
from caretwin.serve.web.views.quarantine import MessageText, Quarantine, RefusedMessage, Resolved

MOST_MESSAGES = 500
"""Refused messages that are told at once (assumed)."""
MOST_CHARACTERS = 200_000
"""Characters of a message that are told: more than a person reads, less than a browser stumbles over (assumed)."""


def quarantine_of(found: Sequence[Quarantined], now: int) -> Quarantine:
    """The newest messages, those that wait first."""
    messages = sorted(map(_shown, found), key=lambda one: (one.state != "waiting", -one.number))
    waiting = sum(one.state == "waiting" for one in messages)
    more = max(len(messages) - MOST_MESSAGES, 0)
    return Quarantine(now=now, messages=messages[:MOST_MESSAGES], waiting=waiting, more=more)


def _shown(one: Quarantined) -> RefusedMessage:
    return RefusedMessage(
        number=one.number, door=one.door, received=one.received, last=one.last, times=one.times, size=one.size,
        reason=one.reason, state=_state(one), outcome=one.outcome,
    )  # fmt: skip


def _state(one: Quarantined) -> Literal["waiting", "accepted", "dropped"]:
    if one.outcome.startswith(ACCEPTED):
        return "accepted"
    return "dropped" if one.outcome.startswith(DROPPED) else "waiting"


def message_text(here: Served, caller: Caller, number: int) -> MessageText:
    """A message as it came, once the policies have said yes for each person whom it is known to be about.

    The look is audited for each of them, with the number of the message. Raises AccessDeniedError, Refusal (404).
    """
    connection = here.running.record.connection()
    found = next((one for one in keep.quarantined(connection, waiting=False) if one.number == number), None)
    if found is None:
        raise _unknown(number)
    looking = replace(caller.actor(), purpose=f"{caller.purpose}: message {number} of the quarantine")
    here.running.record.reading(looking).of(["", *keep.told_about(connection, number)])
    raw = keep.message(connection, number)
    try:
        text: str | None = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = None if b"\0" in raw else raw.decode("latin-1")
    if text is None or "\0" in text:
        return MessageText(number=number, media=found.media, text=None, cut=False)
    cut = len(text) > MOST_CHARACTERS
    return MessageText(number=number, media=found.media, text=text[:MOST_CHARACTERS], cut=cut)


def waiting(here: Served, numbers: Sequence[int]) -> list[Quarantined]:
    """The messages of these numbers. Raises Refusal: 404 for none, 409 for one that no longer waits."""
    known = {one.number: one for one in keep.quarantined(here.running.record.connection(), waiting=False)}
    for number in numbers:
        if number not in known:
            raise _unknown(number)
        if (state := _state(known[number])) != "waiting":
            raise Refusal(409, f"message {number} does not wait: it was {state}", fix="leave it out")
    return [known[number] for number in dict.fromkeys(numbers)]


def resolve(here: Served, caller: Caller, number: int, outcome: str, subjects: Sequence[str] = ()) -> Resolved:
    """Keep what became of a message, and who said so."""
    actor = Actor(f"quarantine by account:{caller.account}", "operator", caller.purpose)
    detail = f"message {number} of the quarantine: {outcome.partition(':')[0]}"
    record = here.running.record
    with record.writing(actor, "write", detail, subjects) as connection:
        keep.resolve(connection, number, here.running.clock(), caller.actor().name, outcome, subjects)
    return Resolved(number=number, accepted=outcome.startswith(ACCEPTED), outcome=outcome)


def _unknown(number: int) -> Refusal:
    return Refusal(404, f"no message {number} in quarantine", fix="look at the list")
