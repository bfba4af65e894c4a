"""What the handlers of the web application work with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from caretwin.record.accounts import Accounts
from caretwin.record.reading import Reading
from caretwin.serve.access.rules import Rules
from caretwin.serve.web.caller import Caller
from caretwin.serve.web.ceremonies import Ceremonies
from caretwin.serve.web.chain_check import ChainCheck
from caretwin.serve.web.mapping_desk import MappingDesk
from caretwin.serve.web.metrics import Metrics
from caretwin.serve.web.sessions import HOUR_US, MINUTE_US, Sessions
from caretwin.serve.web.settings import WebSettings
from caretwin.serve.web.site_view import SiteView

MOST_READINGS = 1000
"""Sessions whose way to read is remembered; the oldest is forgotten for one more, and audited anew (assumed)."""

if TYPE_CHECKING:
    from caretwin.serve.running import Running


@dataclass
class Served:
    """A running site, and who may see what of it.

    clock     microseconds UTC of the wall, for sessions and links; ``running.clock`` is that of the ward, which may be
              a replayed one
    view      the site as callers may see it
    mappings  where people say what codes mean
    chain     whether the audit trail is as it was written
    sessions  ``still_valid(caller.session)`` is what a stream asks every second or so
    tokens    SHA-256 (hexadecimal) of the token of each program that may read the figures, by its name
    closing   set when the server stops: streams end then
    """

    running: Running
    accounts: Accounts
    rules: Rules
    settings: WebSettings
    clock: Callable[[], int]
    tokens: Mapping[str, str] = field(default_factory=dict)
    sessions: Sessions = field(init=False)
    ceremonies: Ceremonies = field(init=False)
    metrics: Metrics = field(init=False)
    view: SiteView = field(init=False)
    mappings: MappingDesk = field(init=False)
    chain: ChainCheck = field(init=False)
    closing: bool = False

    def __post_init__(self) -> None:
        idle, longest = self.settings.idle_min * MINUTE_US, self.settings.longest_h * HOUR_US
        self.sessions = Sessions(self.accounts, self.rules, self.clock, round(idle), round(longest))
        self.ceremonies = Ceremonies(self.clock)
        self.metrics = Metrics()
        self._readings: dict[str, Reading] = {}
        self.view = SiteView(self.running, self.rules, self.reading)
        self.mappings = MappingDesk(self.running)
        self.chain = ChainCheck(self.running.record)

    def reading(self, caller: Caller) -> Reading:
        """The record as a caller may read it: the same for all requests of a session, so that the trail has a row for
        the first look at a person in an hour, and not for each request.

        Of what is about nobody (``subjects()``, ``changes()``) only who works at all of the site sees anything: routes
        take it from ``running.reading`` and leave out whom ``rules.visible`` leaves out.
        """
        found = self._readings.get(caller.session)
        if found is None or found.actor != caller.actor():
            if len(self._readings) >= MOST_READINGS:
                self._readings.pop(next(iter(self._readings)), None)
            found = self._readings[caller.session] = self.running.record.reading(caller.actor())
        return found

    def read_anew(self, session: str) -> None:
        """Audit the next look of a session at everybody again: leave to look has changed by what rule it is."""
        self._readings.pop(session, None)

    def goes_on(self, session: str) -> bool:
        """Whether a stream of a session goes on: neither is the session over, nor does the server stop."""
        return not self.closing and self.sessions.still_valid(session)
