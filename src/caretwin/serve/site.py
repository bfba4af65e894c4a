"""A site's configuration: one TOML file that says where the record is, which doors are open and how twins live.

[site]
name = "Intensive care 1"
zone = "Europe/London"          # clocks of messages that do not say their offset

[record]
url = "ward.db"                 # or postgresql://user@host/database

[twins]
particles = 300
forecast_every_min = 15

[web]                           # the web application; without this section there is none
listen = "127.0.0.1:8400"

[doors.gateway]
kind = "hl7v2"
port = 2575
mapping = "icu_codes.csv"       # what this door's own codes mean
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from caretwin.base.errors import DataError
from caretwin.serve.web.settings import ENTRIES, WebSettings, web_settings

SECTIONS: Mapping[str, frozenset[str]] = {
    "site": frozenset({"name", "zone"}),
    "record": frozenset({"url"}),
    "twins": frozenset({"particles", "forecast_every_min", "seed"}),
    "web": ENTRIES,
}
FEWEST_PARTICLES, MOST_PARTICLES = 50, 5000


@dataclass(frozen=True)
class Site:
    """What a configuration file says.

    record     file, or URL of a PostgreSQL database; a file is relative to the configuration
    doors      settings of each door by its name
    particles  of every twin; seed of its luck; forecast_every_min  min between forecasts that are kept of each twin
    folder     where the configuration lies: files that it names are relative to it
    web        how the web application is served, None for a site without one
    demo       whether it plays what happened elsewhere: whoever looks is told
    """

    name: str
    zone: str
    record: str
    doors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    particles: int = 300
    forecast_every_min: float = 15.0
    seed: int = 0
    folder: Path = Path()
    web: WebSettings | None = None
    demo: bool = False


def read_site(path: str | Path) -> Site:
    """Read a configuration file.

    Raises DataError for a file that is not there or not TOML, an unknown section or entry, and a value out of range.
    """
    where = f"configuration {path}"
    try:
        table = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError as problem:
        raise DataError(
            where, seen="no such file", wanted="a configuration", fix="see docs/live.md for one to copy"
        ) from problem
    except OSError as problem:
        seen = "a folder" if Path(path).is_dir() else f"a file that cannot be read ({problem.strerror or problem})"
        fix = f"name the file in it, such as {Path(path) / 'site.toml'}" if Path(path).is_dir() else f"ls -l {path}"
        raise DataError(where, seen=seen, wanted="a configuration in TOML", fix=fix) from problem
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise DataError(where, seen=str(problem), wanted="TOML", fix="mend that line") from problem
    return site_of(table, where, Path(path).parent)


def site_of(table: Mapping[str, Any], where: str, folder: Path) -> Site:
    """The site of a table as read from TOML (see :func:`read_site`)."""
    _known(table, where)
    site, record, twins = (table.get(name, {}) for name in ("site", "record", "twins"))
    zone = str(site.get("zone", "UTC"))
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as problem:
        raise DataError(
            where, seen=f"zone = {zone!r}", wanted="a name such as Europe/London", fix="mend it"
        ) from problem
    url = str(record.get("url", "caretwin.db"))
    return Site(
        str(site.get("name", "unnamed site")),
        zone,
        url if "://" in url else str(folder / url),
        {str(name): dict(settings) for name, settings in table.get("doors", {}).items()},
        int(_between(twins, "particles", 300, FEWEST_PARTICLES, MOST_PARTICLES, where)),
        _between(twins, "forecast_every_min", 15.0, 1.0, 1440.0, where),
        int(_between(twins, "seed", 0, 0, 2**31, where)),
        folder,
        web_settings(table["web"], where, folder) if "web" in table else None,
    )


def _known(table: Mapping[str, Any], where: str) -> None:
    for name, entries in table.items():
        wanted = "sections [site], [record], [twins], [web] and [doors.NAME]"
        if name not in SECTIONS and name != "doors":
            raise DataError(where, seen=f"[{name}]", wanted=wanted, fix="rename or remove it")
        if not isinstance(entries, dict) or (
            name == "doors" and not all(isinstance(d, dict) for d in entries.values())
        ):
            raise DataError(where, seen=f"{name} without a section of its own", wanted=wanted, fix=f"write [{name}]")
        for entry in entries if name in SECTIONS else ():
            if entry not in SECTIONS[name]:
                known = ", ".join(sorted(SECTIONS[name]))
                raise DataError(where, seen=f"{entry} in [{name}]", wanted=known, fix="rename or remove it")


def _between(table: Mapping[str, Any], name: str, otherwise: float, low: float, high: float, where: str) -> float:
    value = table.get(name, otherwise)
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
        raise DataError(where, seen=f"{name} = {value!r}", wanted=f"a number from {low:g} to {high:g}", fix="mend it")
    return float(value)
