"""A site that runs: the record, its doors and its ward, begun and ended together."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from caretwin.base.errors import DataError
from caretwin.ingest.door import Door, beside, door_factory, make_door
from caretwin.ingest.intake import Intake
from caretwin.ingest.mapping import CodeMapping, read_mapping
from caretwin.ingest.own_name import own_name
from caretwin.ingest.ports import check_ports
from caretwin.ingest.timely import births
from caretwin.ingest.translate import Translator
from caretwin.record.access import by_role, operator
from caretwin.record.entry import SubjectRef
from caretwin.record.reading import Reading
from caretwin.record.record import Record, open_record
from caretwin.record.writer import Writer
from caretwin.serve.clock import wall
from caretwin.serve.site import Site
from caretwin.serve.ward_loop import WardLoop
from caretwin.twin.bedside_twin import bedside_twin
from caretwin.twin.living import record as living_record

if TYPE_CHECKING:
    from caretwin.serve.access.people import PeoplePolicy
    from caretwin.serve.web.server import WebServer
    from caretwin.serve.web.settings import WebSettings

AGAIN_S = 5.0
"""s after which a door that ended by mistake is opened again."""


@dataclass
class Running:
    """What runs.

    intakes  by the name of the door; loop  None where a site has no twins; reading  of who looks at it
    web      None where a site has no web application
    """

    site: Site
    record: Record
    writer: Writer
    intakes: Mapping[str, Intake]
    loop: WardLoop | None
    clock: Callable[[], int]
    reading: Reading
    web: WebServer | None = None


def mapping_file(site: Site, name: str) -> Path | None:
    """The file that says what a door's own codes mean; None where it has none, or reads its messages by one of another
    form. Raises DataError for an unknown kind.
    """
    settings = site.doors[name]
    own = any(one.name == "mapping" for one in door_factory(name, str(settings.get("kind", name))).settings)
    named = settings.get("mapping")
    return Path(beside(site.folder, str(named))) if named and not own else None


def open_doors(site: Site) -> dict[str, tuple[Door, CodeMapping]]:
    """The doors of a site with what their codes mean. Raises DataError for what is wrong in their sections."""
    found = {}
    for name, settings in site.doors.items():
        known = {setting.name for setting in door_factory(name, str(settings.get("kind", name))).settings}
        more = {"zone": site.zone} if "zone" in known and "zone" not in settings else {}
        if "client" in known and not settings.get("client"):
            more["client"] = own_name(name, site.record if "://" in site.record else str(Path(site.record).resolve()))
        mapping = mapping_file(site, name)
        rules = read_mapping(mapping) if mapping is not None else CodeMapping([])
        found[name] = (make_door(name, {**settings, **more}, site.folder), rules)
    check_ports({name: door for name, (door, _) in found.items()})
    return found


@contextlib.asynccontextmanager
async def running(
    site: Site, clock: Callable[[], int], *, twins: bool = True, people_clock: Callable[[], int] = wall
) -> AsyncIterator[Running]:
    """Run a site for as long as the context is open; leaving it commits what waits and keeps checkpoints.

    clock  microseconds UTC now: received times are of it
    people_clock  that of the people who look at it, whose hours no replay makes shorter
    """
    opened = open_doors(site)
    lock = _alone(site)
    policy = _people() if site.web is not None else None
    record = open_record(site.record, clock, policy=policy or by_role)
    writer = Writer(record)
    weights, born = _weights(record), births(record.reading(living_record.TWIN))
    intakes = {
        name: Intake(door, record, writer, Translator(name, rules), clock, weights, born)
        for name, (door, rules) in opened.items()
    }
    loop = None
    if twins:
        twin = bedside_twin(particles=site.particles, seed=site.seed, single=True)
        loop = WardLoop(record, twin, clock, site.forecast_every_min)
        loop.start()  # doors open meanwhile: what comes is kept and acknowledged before the twins are awake
    stop = asyncio.Event()
    found: Running | None = None
    tasks = [asyncio.create_task(_keep_open(intake, stop)) for intake in intakes.values()]
    try:
        found = Running(site, record, writer, intakes, loop, clock, record.reading(operator("direct care")))
        if policy is not None and site.web is not None:
            found.web = _web(found, site.web, policy, people_clock)
            await found.web.start()
            if loop is not None:
                loop.ready_for_what_if()
        yield found
    finally:
        if found is not None and found.web is not None:
            await found.web.stop()
        stop.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        for intake in intakes.values():
            intake.flush()
        if loop is not None:
            await asyncio.to_thread(loop.stop)
        writer.close()
        record.close()
        if lock is not None:
            lock.close()


def _people() -> PeoplePolicy:
    """Who may what, for people who sign in. Raises DataError where what it needs is not installed."""
    try:
        from caretwin.serve.access.people import PeoplePolicy
    except ImportError as problem:
        raise DataError(
            "the web application",
            seen=f"no package {problem.name}",
            wanted="what it needs",
            fix="install caretwin[web], or leave out the section [web]",
        ) from problem
    return PeoplePolicy()


def _web(found: Running, settings: WebSettings, policy: PeoplePolicy, clock: Callable[[], int]) -> WebServer:
    """The server of the web application. Raises DataError where it cannot listen, or its tokens cannot be read."""
    from caretwin.ingest.doors.fhir.access import token_hashes
    from caretwin.serve.web.server import WebServer

    where = settings.metrics_tokens
    tokens = token_hashes(where, "metrics_tokens of [web]") if where else {}
    return WebServer(found, policy, settings, clock, tokens)


def _alone(site: Site) -> IO[str] | None:
    """A lock beside the file: two sites on one record would forecast twice, and take messages from each other.

    Raises DataError where another process has it, or nothing can be written there. None for a server's database.
    """
    if "://" in site.record:
        return None
    try:
        file = open(f"{site.record}.lock", "w", encoding="utf-8")  # noqa: SIM115  held as long as the site runs
    except OSError as problem:
        folder = Path(site.record).parent
        fix = f"mkdir -p {folder}" if not folder.exists() else f"look at it (ls -ld {folder}), or name another record"
        raise DataError(
            f"record {site.record}",
            seen=f"a folder in which nothing can be written ({problem.strerror or problem})",
            wanted="one that is there, with room, and that this account can write",
            fix=fix,
        ) from problem
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as problem:
        file.close()
        raise DataError(
            f"record {site.record}",
            seen="another caretwin that runs this record",
            wanted="one at a time",
            fix="stop the other one, or name another record",
        ) from problem
    return file


def _weights(record: Record) -> Callable[[str | SubjectRef], float | None]:
    """The last weight (kg) that is known of a subject, for rates that are charted without it."""
    reading = record.reading(living_record.TWIN)

    def weight(subject: str | SubjectRef) -> float | None:
        keys = [subject] if isinstance(subject, str) else [reading.subject_of(one) for one in subject.identifiers]
        for key in keys:
            known = reading.latest(key, ("weight",)) if key is not None else []
            good = [(one.effective, one.value) for one in known if one.quality == 0 and one.value is not None]
            if good:
                return max(good)[1]
        return None

    return weight


async def _keep_open(intake: Intake, stop: asyncio.Event) -> None:
    """A door that ends by a mistake of ours or of the system is opened again, and says what was wrong."""
    while not stop.is_set():
        try:
            await intake.door.run(intake, stop)
        except Exception as error:  # a door of somebody else may raise anything
            intake.state.trouble, intake.state.listening = str(error), ""
            intake.state.counters["restarts"] += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), AGAIN_S)


async def listening(found: Running, seconds: float = 10.0) -> None:
    """Wait until every door can be reached. Raises TimeoutError, naming the doors that cannot."""
    for _ in range(round(seconds / 0.05)):
        if all(intake.state.listening for intake in found.intakes.values()):
            return
        await asyncio.sleep(0.05)
    closed = [f"{name}: {intake.state.trouble}" for name, intake in found.intakes.items() if not intake.state.listening]
    raise TimeoutError("not reachable: " + "; ".join(closed))
