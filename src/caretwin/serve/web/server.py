"""The web application at its address: bound, started and stopped with the site."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from caretwin.base.errors import DataError
from caretwin.record.access import operator
from caretwin.record.accounts import Accounts
from caretwin.serve.access.people import PeoplePolicy
from caretwin.serve.access.policies import shipped
from caretwin.serve.access.rules import Rules
from caretwin.serve.access.whereabouts import Whereabouts
from caretwin.serve.web.app import make_app
from caretwin.serve.web.first import first_link
from caretwin.serve.web.log import LOG, JsonLines
from caretwin.serve.web.routing import Routes
from caretwin.serve.web.served import Served
from caretwin.serve.web.settings import WebSettings

if TYPE_CHECKING:
    from caretwin.serve.running import Running

STOPPING_S = 5
"""s that open requests and streams have to end when the server stops."""


class WebServer:
    """The web application of a running site.

    policy  of the record, which asks our rules about people from now on
    clock   microseconds UTC of the wall
    Raises DataError where it cannot listen.
    """

    def __init__(
        self, running: Running, policy: PeoplePolicy, settings: WebSettings, clock: Callable[[], int],
        tokens: Mapping[str, str], more: Sequence[Routes] = (),
    ) -> None:  # fmt: skip
        self._bound = _bound(settings)
        try:
            self._make(running, policy, settings, clock, tokens, more)
        except BaseException:
            self._bound.close()
            raise

    def _make(
        self, running: Running, policy: PeoplePolicy, settings: WebSettings, clock: Callable[[], int],
        tokens: Mapping[str, str], more: Sequence[Routes],
    ) -> None:  # fmt: skip
        accounts = Accounts(running.record)
        rules = Rules(shipped(), accounts, Whereabouts(running.record, running.clock), clock)
        policy.rules = rules
        settings = settings.at_port(self._bound.getsockname()[1])
        self.served = Served(running, accounts, rules, settings, clock, tokens)
        self.address = settings.origin
        self.app = make_app(self.served, more)
        self._server = _Server(_configuration(self.app, settings))
        self._serving: asyncio.Task[None] | None = None
        self.first_link = ""
        self._log = log_to(settings.log) if settings.log else None

    async def start(self) -> None:
        """Answer from now on. ``first_link`` is how the first person signs in, "" where somebody can already."""
        self.first_link = await asyncio.to_thread(first_link, self.served, operator())
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._bound]))
        while not (self._server.started or self._serving.done()):
            await asyncio.sleep(0.005)
        LOG.info("listening")

    async def stop(self) -> None:
        """End streams, finish what is being answered, and give the address back."""
        self.served.closing = self._server.should_exit = True
        if self._serving is not None:
            await self._serving
            await asyncio.to_thread(self.served.sessions.keep)
        self._bound.close()
        LOG.info("stopped")
        if self._log is not None:
            LOG.removeHandler(self._log)
            self._log.close()


class _Server(uvicorn.Server):
    """A server that leaves the signals of the process to the program around it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do nothing: the site is stopped by whoever runs it."""
        yield


def _configuration(app: object, settings: WebSettings) -> uvicorn.Config:
    """No access log of uvicorn's: addresses stand in it, ours has routes."""
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        log_config=None,
        log_level="critical",
        access_log=False,
        lifespan="off",
        ws="websockets-sansio",
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=STOPPING_S,
        ssl_certfile=settings.certificate or None,
        ssl_keyfile=settings.key or None,
    )


def _bound(settings: WebSettings) -> socket.socket:
    host, port = settings.address()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named: only then does asyncio send answers at once, not 40 ms later (Nagle's algorithm).
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(2048)
    except OSError as problem:
        found.close()
        raise DataError(
            "the web application",
            seen=f"{settings.listen}: {problem.strerror or problem}",
            wanted="an address of this machine at which nothing else listens",
            fix="stop what listens there, or set listen in [web]",
        ) from problem
    return found


def log_to(where: str) -> logging.Handler:
    """Write a line of JSON for each answer to a file, or to the standard error output ("-")."""
    handler = logging.StreamHandler(sys.stderr) if where == "-" else logging.FileHandler(where, encoding="utf-8")
    handler.setFormatter(JsonLines())
    LOG.addHandler(handler)
    LOG.setLevel(logging.INFO)
    LOG.propagate = False
    return handler
