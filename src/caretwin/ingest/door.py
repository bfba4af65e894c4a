"""Doors: where the data of other systems come in. Each is one module that a registry finds (entry points
``caretwin.doors``), ours in the same way as a stranger's.

A door decodes and transports; what is common to all (mapping, the record, acknowledging after the commit, quarantine,
counters, the preview) is done by the :class:`caretwin.ingest.intake.Intake` that it is given.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from enum import Enum
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from caretwin.base.errors import DataError
from caretwin.ingest.decoded import Decoded

if TYPE_CHECKING:
    from caretwin.ingest.intake import Intake

GROUP = "caretwin.doors"


class Tier(Enum):
    """How much a door has been through: stated by it, shown wherever it is."""

    FIELD = "used with real devices or systems of a site"
    PEER = "tested against independent software that speaks the protocol"
    LOOPBACK = "tested only against our own sender"


class Tested(NamedTuple):
    """What a test of the connection found: whether it works, and a sentence for whoever set it up."""

    works: bool
    sentence: str


class Door(Protocol):
    """One way in, with its settings. Made by the factory that its entry point names: ``factory(name, settings)``.

    name   what the site calls it: part of the source of everything that came through it
    kind   the protocol, such as ``"hl7v2"``; title  in words; tier  how well it is tested
    A door whose decoding takes longer than a message may hold up others says ``slow = True``: it is then done in a
    thread. One that listens says where (``ports``, see :mod:`caretwin.ingest.ports`). One that keeps more of a message
    than its bytes lets it go when a replay took it in (``settle(raw)``). One that remembers what was said has
    ``erasures`` (:mod:`caretwin.ingest.erasures`), and forgets when somebody was erased.
    """

    name: str
    kind: str
    title: str
    tier: Tier

    def decode(self, raw: bytes, media: str) -> Decoded:
        """What a message says. media: what kind of message of this door it is, such as ``"application/fhir+json"``.

        Raises RefusedError for a message of which nothing can be accepted; never anything else, whatever the bytes.
        """
        ...

    async def test(self) -> Tested:
        """Whether the other side answers; changes nothing there or here."""
        ...

    async def run(self, intake: Intake, stop: asyncio.Event) -> None:
        """Take in until ``stop`` is set; connection losses are retried with back-off, never raised.

        Sets ``intake.state.listening`` to what it listens at or is connected to, once it is.
        """
        ...


class Setting(NamedTuple):
    """A setting of a door: what it is, and the value when it is not given (None: it must be).

    path  it names a file or a folder: a relative one lies beside the configuration (its default is as it is)
    """

    name: str
    what: str
    default: Any = None
    path: bool = False


NO_PATHS = ("env:",)
"""How values of a path begin that are none: the value itself is in the environment."""


def given(wanted: Sequence[Setting], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The value of every setting of a door: as given, else as it is otherwise."""
    return {setting.name: settings.get(setting.name, setting.default) for setting in wanted}


def beside(folder: Path, value: str) -> str:
    """A path of a configuration that lies in ``folder``: relative ones are relative to it, ``~`` is our home.

    >>> beside(Path("/site"), "certificates"), beside(Path("/site"), "/etc/key.pem"), beside(Path("/site"), "")
    ('/site/certificates', '/etc/key.pem', '')
    """
    return str(folder / Path(value).expanduser()) if value and not value.startswith(NO_PATHS) else value


def zone_name(name: str, where: str) -> str:
    """An IANA zone's name, or "". Raises DataError for what is none."""
    if name:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as problem:  # ZoneInfoNotFoundError is a KeyError
            wanted, fix = "a zone of the IANA tz database, such as Europe/London", "write one of its names"
            raise DataError(where, seen=f"zone = {name!r}", wanted=wanted, fix=fix) from problem
    return name


def door_factory(name: str, kind: str) -> Any:
    """The factory of a kind of door; only that one is imported, so that a broken door of somebody else harms nobody.

    name  of the door that wants it, for the message
    Raises DataError for a kind that is not installed, or whose packages are not.
    """
    points = {point.name: point for point in entry_points(group=GROUP)}
    if kind not in points:
        raise DataError(
            f"door {name}",
            seen=f"kind = {kind!r}",
            wanted="one of " + ", ".join(sorted(points)),
            fix='write kind = "..." into its section',
        )
    try:
        return points[kind].load()
    except ImportError as problem:
        raise DataError(
            f"door {name}",
            seen=f"kind {kind}, of which {problem.name or 'a package'} is missing",
            wanted="the packages of doors",
            fix="pip install 'caretwin[doors]'",
        ) from problem


def make_door(name: str, settings: Mapping[str, Any], folder: Path | None = None) -> Door:
    """The door of a configuration's section ``[doors.NAME]``.

    folder  where the configuration lies: files that the section names are relative to it; None: to where we are
    Raises DataError for an unknown kind, an unknown setting, and one that is missing.
    """
    rest = dict(settings)
    kind = str(rest.pop("kind", name))
    factory = door_factory(name, kind)
    wanted: tuple[Setting, ...] = factory.settings
    known = {setting.name for setting in wanted}
    strange = sorted(rest.keys() - known - {"mapping"})
    missing = [setting.name for setting in wanted if setting.default is None and setting.name not in rest]
    if strange or missing:
        lines = "; ".join(f"{setting.name}: {setting.what}" for setting in wanted)
        seen = f"an unknown setting {strange[0]!r}" if strange else f"no {missing[0]}"
        raise DataError(f"door {name} ({kind})", seen=seen, wanted=lines or "no settings", fix="mend its section")
    values = given(wanted, rest)
    for setting in wanted:
        value = values[setting.name]
        if setting.path and folder is not None and isinstance(value, str) and value != setting.default:
            values[setting.name] = beside(folder, value)
    try:
        door: Door = factory(name, values)
    except (ValueError, TypeError, OverflowError) as problem:
        raise DataError(
            f"door {name} ({kind})", seen=str(problem), wanted="settings of the right kind", fix="mend its section"
        ) from problem
    return door
