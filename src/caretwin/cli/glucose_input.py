"""From the words on the command line to a question about glucose: the patient's record, and the time."""

import hashlib
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from caretwin.base.errors import CaretwinError, DataError
from caretwin.base.time import hours_between, parse_instant
from caretwin.cli import bedside_input
from caretwin.record.bedside import BedsideRecord
from caretwin.twin.glucose import GLUCOSE

TABLE_OF_LABS = ("clif_labs.parquet", "clif_labs.csv")


def read_patient(path: str, stay: str | None) -> tuple[BedsideRecord, Path]:
    """The record, and the file whose content stands for its source.

    Raises a usage error for a folder without a stay and a file with one, and what the readers raise.
    """
    record = bedside_input.read_patient(path, stay)
    if stay is None:
        return _with_glucose(record), Path(path)
    from caretwin.ingest.clif.stays import demo_folder

    folder = demo_folder() if path == bedside_input.DEMO else Path(path)
    labs = next((folder / name for name in TABLE_OF_LABS if (folder / name).exists()), folder)
    return _with_glucose(record), labs


def _with_glucose(record: BedsideRecord) -> BedsideRecord:
    if not any(len(record.observations[name]) for name in GLUCOSE if name in record.observations):
        raise DataError(
            f"glucose of subject {record.person.subject}",
            seen="none in the whole record",
            wanted="glucose in blood, with its unit",
            fix="add rows named glucose, or choose another stay",
        )
    return record


def time_of_question(text: str | None, record: BedsideRecord) -> tuple[float, str]:
    """Hours of the record at which the advice starts, and how that was decided.

    Raises a usage error for what is neither a number nor an instant, and for a time before any glucose was known.
    """
    known = [t for name in GLUCOSE if name in record.observations for t in record.observations[name].received_h]
    if text is None:
        return float(max(known)), "when the last glucose became known"
    hours = _hours(text, record)
    if hours < min(known):
        hint = f"{min(known) - hours:.3g} h before the first glucose was known"
        raise click.BadParameter(f"{text!r} is {hint}", param_hint="--now")
    return hours, "as asked"


def _hours(text: str, record: BedsideRecord) -> float:
    try:
        hours = float(text)
    except ValueError:
        hours = None
    if hours is not None:
        if not math.isfinite(hours):
            raise click.BadParameter(f"{text!r} is no time", param_hint="--now")
        return hours
    if record.origin is None:
        raise click.BadParameter(f"{text!r}: the record counts hours: give --now in hours too", param_hint="--now")
    try:
        return hours_between(record.origin, parse_instant(text, record.zone))
    except CaretwinError as error:
        raise click.BadParameter(str(error), param_hint="--now") from error


def provenance(source: Path, seed: int, options: dict[str, str]) -> Any:
    """Where the answer came from."""
    import caretwin
    from caretwin.review.glucose_words import Provenance
    from caretwin.twin.glucose import glucose_model

    card = glucose_model().card()
    return Provenance(
        code_version=caretwin.__version__,
        computed_at=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=seed,
        source=source.name,
        source_sha256=hashlib.sha256(source.read_bytes()).hexdigest() if source.is_file() else "",
        model=(card.name, card.version),
        options=tuple(options.items()),
    )
