"""A site with its web application at a real address, on a clock that a test sets, and people who have signed in."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from caretwin.record.access import operator
from caretwin.record.entry import Batch, Event, Identifier, SubjectRef
from caretwin.record.store.accounts import Account
from caretwin.serve.running import Running, running
from caretwin.serve.site import site_of
from caretwin.serve.web.identify import cookie_name
from caretwin.serve.web.routing import Routes
from caretwin.serve.web.served import Served

BOSS = operator()
DAY_US = 86_400_000_000


class Clock:
    """Microseconds UTC, as a test says."""

    def __init__(self, now: int = 20_000 * DAY_US) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def minutes(self, count: float) -> None:
        self.now += round(count * 60_000_000)


class Web:
    """A site that runs in a thread of its own, and its web application."""

    def __init__(self, folder: Path, more: Mapping[str, Any], routes: Sequence[Routes] = ()) -> None:
        self.clock, self.routes = Clock(), routes
        table = {"record": {"url": "ward.db"}, "web": {"listen": "127.0.0.1:0", **more}}
        self.site = site_of(table, "test", folder)
        self._ready, self._over = threading.Event(), threading.Event()
        self._problem: BaseException | None = None
        self.running: Running
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    async def _run(self) -> None:
        try:
            async with running(self.site, self.clock, twins=False, people_clock=self.clock) as self.running:
                assert self.running.web is not None
                for one in self.routes:  # before the pages, which answer everything else
                    self.running.web.app.router.routes[0:0] = one.router.routes
                self._ready.set()
                while not self._over.is_set():
                    await asyncio.sleep(0.02)
        except BaseException as problem:
            self._problem = problem
        finally:
            self._ready.set()

    def start(self) -> Web:
        self._thread.start()
        self._ready.wait()
        if self._problem is not None:
            raise self._problem
        return self

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    @property
    def served(self) -> Served:
        assert self.running.web is not None
        return self.running.web.served

    @property
    def address(self) -> str:
        return self.served.settings.origin

    @property
    def first_link(self) -> str:
        assert self.running.web is not None
        return self.running.web.first_link

    def client(self, secret: str = "", **headers: str) -> httpx.Client:
        """A browser on the application's own page, with the cookie of a session."""
        cookies = {cookie_name(self.served.settings): secret} if secret else {}
        said = {"origin": self.address, "sec-fetch-site": "same-origin", **headers}
        return httpx.Client(base_url=self.address, cookies=cookies, headers=said, timeout=120.0)

    def account(self, *roles: str, units: Sequence[str] = (), people: Sequence[str] = ()) -> Account:
        made = self.served.accounts.add(BOSS, f"A {roles[0]}", roles, self.clock(), units, people)
        return made

    def secret(self, account: Account, **more: str) -> str:
        """The secret of a new session of an account."""
        return self.served.sessions.begin(account, "link", **more)[0]

    def signed_in(self, *roles: str, units: Sequence[str] = (), people: Sequence[str] = ()) -> httpx.Client:
        """Somebody of these roles, who has just signed in."""
        return self.client(self.secret(self.account(*roles, units=units, people=people)))

    def person(self, number: str, unit: str | None = None, kind: str = "patient") -> str:
        """Somebody of whom a door has told, who lies in a unit."""
        ref = SubjectRef((Identifier("urn:test", number),), kind)  # type: ignore[arg-type]
        body: dict[str, Any] = {"status": "admitted", "class": "inpatient"}
        body |= {"location": {"point_of_care": unit}} if unit else {}
        event = Event(ref, "encounter", self.clock(), "adt", body)
        receipts = self.running.record.append(BOSS, [Batch((event,), self.clock(), "adt")])
        return str(receipts[0].subjects[0])

    def trail(self, allowed: bool | None = None) -> list[dict[str, Any]]:
        """The rows of the audit trail."""
        names = ("actor", "action", "subject", "allowed", "rule", "detail")
        rows = self.running.record.connection().query(f"SELECT {', '.join(names)} FROM audit ORDER BY n")
        told = [dict(zip(names, row, strict=True)) for row in rows]
        return [one for one in told if allowed is None or bool(one["allowed"]) is allowed]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Web]]:
    """Starts a site with these entries in its section [web], and routes beside ours."""
    started: list[Web] = []

    def make(routes: Sequence[Routes] = (), **more: Any) -> Web:
        folder = tmp_path / f"site{len(started)}"
        folder.mkdir()
        started.append(Web(folder, more, routes).start())
        return started[-1]

    yield make
    for one in started:
        one.stop()


@pytest.fixture
def web(start: Callable[..., Web]) -> Web:
    return start()
