"""The client: asks another FHIR server for what changed, and follows its pages (FHIR R4, sections 3.1.1 and 3.1.0).

Where it was is remembered in memory. Windows overlap, because servers index late; what was read already is recognised
by its bytes and not read again.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin

import httpx
import msgspec
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from caretwin.base.errors import TimeError
from caretwin.base.time import EPOCH
from caretwin.ingest.decoded import RefusedError
from caretwin.ingest.doors.fhir.envelope import Bundle, Entry
from caretwin.ingest.doors.fhir.keep import Reader, keep
from caretwin.ingest.doors.fhir.parse import bundle
from caretwin.ingest.doors.fhir.structs import Meta, Part
from caretwin.ingest.doors.fhir.times import SECOND, when

if TYPE_CHECKING:
    from caretwin.ingest.intake import Intake

MEDIA = "application/fhir+json"
PAGE = 200
"""Resources asked for at once."""
MOST_PAGES = 10_000
"""Pages of one search: a server whose pages never end is not followed for ever."""
REMEMBERED = 50_000
"""Resources that are recognised when a window overlaps."""
TRIES, FIRST_WAIT_S, LONGEST_WAIT_S = 6, 0.5, 30.0
TIMEOUT_S = 30.0
_SECRET = re.compile(r"(?<=//)[^/@]*@|\?.*")


class Source(NamedTuple):
    """What is pulled: the server's base address, a token ("" for none), types of resources; seconds between looks, of
    overlap, and before the first look; and the largest answer (bytes).
    """

    base: str
    token: str
    types: tuple[str, ...]
    every_s: float
    overlap_s: float
    back_s: float
    most: int


class AgainError(Exception):
    """The server cannot answer now: asked again later. ``after`` is how long it wants us to wait (s)."""

    def __init__(self, text: str, after: float = 0.0) -> None:
        super().__init__(text)
        self.after = after


class StopError(Exception):
    """The server answers, but not with what was asked for: asking again at once would change nothing."""


class _Dated(Part):
    meta: Meta | None = None


_DATED = msgspec.json.Decoder(_Dated)


@dataclass
class Pull:
    """One server that is asked again and again."""

    source: Source
    read: Reader
    intake: Intake

    def __post_init__(self) -> None:
        start = self.intake.clock() - int(self.source.back_s * SECOND)
        self._since = dict.fromkeys(self.source.types, start)
        self._seen: OrderedDict[bytes, None] = OrderedDict()

    async def run(self, stop: asyncio.Event) -> None:
        """Ask until ``stop`` is set; what goes wrong is told in the door's state and tried again."""
        asking, waiting = asyncio.create_task(self._ask()), asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({asking, waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:  # in the middle of a page too: what was not remembered is asked for again
            asking.cancel()
            waiting.cancel()
            await asyncio.gather(asking, waiting, return_exceptions=True)
            self.intake.state.listening = ""

    async def _ask(self) -> None:
        async with client(self.source) as asked:
            while True:
                await self.look(asked)
                await asyncio.sleep(self.source.every_s)

    async def look(self, asked: httpx.AsyncClient) -> None:
        """One look at every type."""
        state = self.intake.state
        for kind in self.source.types:
            try:
                await self._type(asked, kind)
                state.listening = self.source.base
            except Exception as problem:  # whatever one answer breaks, the next look may go well
                state.counters["reconnects"] += 1
                state.trouble, state.listening = _told(problem), ""

    async def _type(self, asked: httpx.AsyncClient, kind: str) -> None:
        """All pages of what changed; the window moves only when the last of them is on the disk."""
        since, started, newest, some = self._since[kind], self.intake.clock(), 0, False
        begin = since - int(self.source.overlap_s * SECOND)
        async for page in self._pages(asked, f"{kind}?_lastUpdated=ge{_iso(begin)}&_count={PAGE}"):
            newest, some = max(newest, await self._keep(page)), some or bool(page.entry)
        if some:  # not into the future: one wrong date there would hide all that comes until then
            self._since[kind] = max(since, min(newest or started, started))

    async def _pages(self, asked: httpx.AsyncClient, first: str) -> AsyncIterator[Bundle]:
        url, seen = urljoin(f"{self.source.base}/", first), set[str]()
        while url and url not in seen and len(seen) < MOST_PAGES:
            seen.add(url)
            found = bundle(await fetched(asked, url, self.source))
            if found.type != "searchset":
                raise StopError("saw a Bundle that is no searchset; wanted the answer of a search")
            yield found
            url = next((urljoin(url, link.url) for link in found.link if link.relation == "next"), "")
            if url and not same_origin(url, self.source.base):
                raise StopError("saw a next page on another server; wanted it on the same: the token is for that one")

    async def _keep(self, page: Bundle) -> int:
        """Newest change of a page (us), once what is new of it is on the disk."""
        fresh = [one for one in page.entry if _digest(one) not in self._seen]
        newest = max((changed(one) for one in page.entry), default=0)
        if fresh:
            raw = msgspec.json.encode(Bundle(type="searchset", id=page.id, entry=tuple(fresh)))
            self.intake.state.counters["messages"] += 1
            message = await self.read(raw, self.intake.clock())
            kept = await keep(self.intake, message, raw, MEDIA)
            if kept.busy:
                raise AgainError("saw a record that does not keep up; the window is asked for again")
            self.read.remember(kept.message)
            self._remember(fresh)
        return newest

    def _remember(self, entries: Sequence[Entry]) -> None:
        for one in entries:
            self._seen[_digest(one)] = None
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)


def client(source: Source) -> httpx.AsyncClient:
    """A client that sends the token to one server only: it follows no redirection."""
    headers = {"accept": MEDIA} | ({"authorization": f"Bearer {source.token}"} if source.token else {})
    return httpx.AsyncClient(headers=headers, timeout=TIMEOUT_S, follow_redirects=False, trust_env=False)


async def fetched(asked: httpx.AsyncClient, url: str, source: Source) -> bytes:
    """The body of a page; a server that is busy or away is asked again, later and later.

    Raises AgainError or an error of httpx after the last try, StopError for another answer.
    """
    async for attempt in AsyncRetrying(
        stop=stop_after_attempt(TRIES),
        wait=_patience,
        retry=retry_if_exception_type((AgainError, httpx.TransportError)),
        reraise=True,
    ):
        with attempt:
            return await _fetch(asked, url, source)
    raise AssertionError("unreachable: the last try raises")


def same_origin(url: str, base: str) -> bool:
    """Whether an address is on the server whose base is given: scheme, name and port."""
    try:
        one, other = httpx.URL(url), httpx.URL(base)
    except httpx.InvalidURL:
        return False
    ports = {"http": 80, "https": 443}
    return (one.scheme, one.host, one.port or ports.get(one.scheme)) == (
        other.scheme, other.host, other.port or ports.get(other.scheme))  # fmt: skip


def changed(entry: Entry) -> int:
    """When a resource was last changed (us), 0 where it does not say."""
    try:
        meta = _DATED.decode(entry.resource).meta
        return when(meta.lastUpdated).at if meta is not None and meta.lastUpdated else 0
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, TimeError):
        return 0


async def _fetch(asked: httpx.AsyncClient, url: str, source: Source) -> bytes:
    async with asked.stream("GET", url) as response:
        code = response.status_code
        if code == 429 or code >= 500:
            after = response.headers.get("retry-after", "")
            raise AgainError(f"the server answers {code}", float(after) if after.isdigit() else 0.0)
        if code != 200:
            raise StopError(f"the server answers {code}; wanted 200" + _hint(code))
        parts, size = [], 0
        async for part in response.aiter_bytes():
            size += len(part)
            if size > source.most:
                raise StopError(f"saw a page of more than {source.most} bytes; wanted smaller ones (_count)")
            parts.append(part)
        return b"".join(parts)


def _hint(code: int) -> str:
    if code in (401, 403):
        return "; fix: look at pull_token, and at what that server lets it read"
    return "; fix: look at pull, the base address of the server" if code in (301, 302, 307, 308, 404) else ""


def _patience(state: RetryCallState) -> float:
    """s until the next try: what the server asks for, or twice as long as before."""
    problem = state.outcome.exception() if state.outcome is not None else None
    asked = problem.after if isinstance(problem, AgainError) else 0.0
    return min(max(asked, wait_random_exponential(FIRST_WAIT_S, LONGEST_WAIT_S)(state)), LONGEST_WAIT_S)


def _digest(entry: Entry) -> bytes:
    return blake2b(bytes(entry.resource), digest_size=16).digest()


def _iso(at: int) -> str:
    return (EPOCH + timedelta(microseconds=at)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _told(problem: Exception) -> str:
    """What went wrong, without the address's query or password."""
    if isinstance(problem, RefusedError):
        return str(problem.refusal)
    known = isinstance(problem, AgainError | StopError | httpx.HTTPError)
    return (_SECRET.sub("", str(problem)) if known else "") or type(problem).__name__
