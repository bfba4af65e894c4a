"""What the handlers of the web application work with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from caretwin.record.accounts import Accounts
from caretwin.serve.access.rules import Rules
from caretwin.serve.web.ceremonies import Ceremonies
from caretwin.serve.web.metrics import Metrics
from caretwin.serve.web.sessions import HOUR_US, MINUTE_US, Sessions
from caretwin.serve.web.settings import WebSettings
from caretwin.serve.web.site_view import SiteView

if TYPE_CHECKING:
    from caretwin.serve.running import Running


@dataclass
class Served:
    """A running site, and who may see what of it.

    clock     microseconds UTC of the wall, for sessions and links; ``running.clock`` is that of the ward, which may be
              a replayed one
    view      the site as callers may see it
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
    closing: bool = False

    def __post_init__(self) -> None:
        idle, longest = self.settings.idle_min * MINUTE_US, self.settings.longest_h * HOUR_US
        self.sessions = Sessions(self.accounts, self.rules, self.clock, round(idle), round(longest))
        self.ceremonies = Ceremonies(self.clock)
        self.metrics = Metrics()
        self.view = SiteView(self.running, self.rules)

    def goes_on(self, session: str) -> bool:
        """Whether a stream of a session goes on: neither is the session over, nor does the server stop."""
        return not self.closing and self.sessions.still_valid(session)
