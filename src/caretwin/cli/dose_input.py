"""From the words on the command line to a question: the patient's table, the time, the MIC, the models."""

import math
import re
from pathlib import Path
from typing import Any

import click

from caretwin.base.errors import CaretwinError
from caretwin.base.time import hours_between, parse_instant
from caretwin.base.units import convert
from caretwin.cli.models import chosen_drug
from caretwin.ingest.dosing_table import read_dosing_table
from caretwin.ingest.hints import DrugHints
from caretwin.record.dosing import DosingRecord
from caretwin.twin.registry import family

ONE_MINUTE = 1 / 60


def models_of(drug: str, names: tuple[str, ...], files: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """Names of the shipped models to consider, and the models of the given files.

    A file adds to the shipped models unless some are named. Raises DrugFileError, ModelError, or a usage error for a
    model of another drug.
    """
    pharmacology = family("pharmacology")
    read = tuple(chosen_drug(file) for file in files)
    for model in read:
        if model.drug != drug:
            text = f"{model.name} is a model of {model.drug}, not of {drug}"
            raise click.BadParameter(text, param_hint="--drug-file")
    known = pharmacology.names(drug)
    chosen = []
    for name in names:
        full = name if name in known else f"{drug}.{name}"
        if full not in known:
            offered = ", ".join(known) or "none is shipped for this drug"
            raise click.BadParameter(f"{name!r} is no model of {drug}; there are: {offered}", param_hint="--model")
        chosen.append(full)
    if not known and not read:
        raise click.BadParameter(
            f"no model of {drug!r}; there are: {', '.join(pharmacology.drugs())}. Or give a --drug-file.",
            param_hint="--drug",
        )
    return (tuple(chosen) if names else known), read


def read_patient(path: str, drug: str, names: tuple[str, ...], files: tuple[Any, ...]) -> DosingRecord:
    """The patient's table, read with the names and units of the models; TableError with everything that is wrong."""
    return read_dosing_table(path, hints=hints_of(drug, loaded(names, files)))


def by_effect(path: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Models whose effect the table measures come first: the first one decides which effect the answer is about."""
    pharmacology = family("pharmacology")
    try:
        text = Path(path).read_text("utf-8", errors="replace").lower()
    except OSError:
        return names  # reading it properly will say what is wrong

    def strange(name: str) -> tuple[bool, bool]:
        words = _effect_words(pharmacology.load(name))
        return not any(re.search(rf"[,;\t]\s*{re.escape(word)}\s*[,;\t]", text) for word in words), not words

    return tuple(sorted(names, key=strange))


def _effect_words(drug: Any) -> dict[str, str]:
    """Short names of the channels that are no levels: {"inr": "effect"}."""
    return {
        word.lower(): channel
        for channel, c in drug.channels.items()
        if channel != "level"
        for word in re.findall(r"\((\w+)\)", c.description)
    }


def hints_of(name: str, drugs: list[Any]) -> DrugHints:
    """What a reader needs to know of the drug beforehand, from all models that may be asked."""
    first = drugs[0]
    units: dict[str, str] = {}
    for drug in drugs:
        for covariate in drug.covariates.values():
            units.setdefault(covariate.name, covariate.unit)
    channels = {channel: c.unit for channel, c in first.channels.items()}
    practical = first.practical
    doses = (
        None
        if practical is None or first.dose.label_unit is not None
        else [convert(v, practical.doses.unit, first.dose.unit, substance=name) for v in practical.doses.values]
    )
    return DrugHints(
        drug=name,
        dose_unit=first.dose.unit if first.dose.label_unit is None else None,
        channel_units=channels,
        channel_names=_effect_words(first),
        covariate_units=units,
        usual_dose=None if doses is None else (min(doses), max(doses)),
        inputs=tuple(dict.fromkeys(i for drug in drugs for i in drug.structure.inputs)),
        endogenous=any("PRODUCTION" in drug.structure.optional for drug in drugs),
    )


def time_of_question(text: str | None, record: DosingRecord) -> tuple[float, str]:
    """Hours of the record at which the advice starts, and how that was decided.

    Raises a usage error for what is neither a number nor an instant.
    """
    if text is None:
        return _after_last_record(record)
    try:
        hours = float(text)
    except ValueError:
        hours = None
    if hours is not None:
        if not math.isfinite(hours):
            raise click.BadParameter(f"{text!r} is no time", param_hint="--now")
        return _not_before(record, hours, text), "as asked"
    if record.origin is None:
        hint = "the table counts hours: give --now in hours too"
        raise click.BadParameter(f"{text!r}: {hint}", param_hint="--now")
    try:
        hours = hours_between(record.origin, parse_instant(text, record.zone))
    except CaretwinError as error:
        raise click.BadParameter(str(error), param_hint="--now") from error
    return _not_before(record, hours, text), "as asked"


def _not_before(record: DosingRecord, hours: float, text: str) -> float:
    """The time, unless nothing was known then."""
    first = min((i.time_h for i in (*record.doses, *record.levels, *record.covariates)), default=hours)
    if hours < first:
        hint = f"{first - hours:.3g} h before the first record of the table, when nothing is known of the patient"
        raise click.BadParameter(f"{text!r} is {hint}", param_hint="--now")
    return hours


def _after_last_record(record: DosingRecord) -> tuple[float, str]:
    ends = [d.end_h if d.duration_h > 0 else d.time_h + ONE_MINUTE for d in record.doses]
    results = [max(i.time_h, i.received_h or i.time_h) for i in (*record.levels, *record.covariates)]
    last = max([*ends, *results], default=0.0)
    running = bool(ends) and last == max(ends) and last > max(results, default=-math.inf)
    what = (
        "the end of the last infusion"
        if running and record.doses[-1].duration_h > 0
        else "the last record of the table"
    )
    return last, f"{what}; --now asks for another time"


def mic_of(text: str | None, record: DosingRecord) -> tuple[tuple[tuple[float, float], ...] | None, str]:
    """The MIC as values (mg/L) with probabilities, and where it came from; None when nobody gave one.

    Raises a usage error for text that is no number and no distribution.
    """
    if text is not None:
        return _distribution(text), "given with the question"
    values = record.covariate("MIC")
    if not values:
        return None, ""
    last = values[-1]
    value = last.value if last.unit is None else convert(last.value, last.unit, "mg/L")
    return ((value, 1.0),), "from the table" + (f", row {last.row}" if last.row is not None else "")


def _distribution(text: str) -> tuple[tuple[float, float], ...]:
    wanted = 'a number in mg/L such as 1, or values with probabilities such as "0.5:0.2,1:0.5,2:0.3"'
    try:
        pairs = [part.split(":") for part in text.split(",")]
        found = [(float(pair[0]), float(pair[1]) if len(pair) == 2 else 1.0) for pair in pairs]
        plain = any(len(pair) > 2 or (len(pair) == 1 and len(pairs) > 1) for pair in pairs)
    except ValueError:
        plain, found = True, []
    total = sum(p for _, p in found)
    if plain or not all(v > 0 and p >= 0 and math.isfinite(v) for v, p in found) or not 0.98 <= total <= 1.02:
        more = "" if plain or 0.98 <= total <= 1.02 else f"; the probabilities add up to {total:g}"
        raise click.BadParameter(f"saw {text!r}{more}; wanted {wanted}", param_hint="--mic")
    return tuple((v, p / total) for v, p in found)


def check_target(wanted: str | None, drugs: list[Any]) -> None:
    """A usage error for a target that none of the models has."""
    targets = {t.kind: t.label for drug in drugs for t in drug.targets}
    labels = {t.label for drug in drugs for t in drug.targets}
    if wanted is not None and wanted not in targets and wanted not in labels:
        offered = ", ".join(f"{kind} ({label})" for kind, label in targets.items())
        raise click.BadParameter(f"{wanted!r}; the models have: {offered}", param_hint="--target")


def loaded(names: tuple[str, ...], files: tuple[Any, ...]) -> list[Any]:
    """The models that are considered, read."""
    pharmacology = family("pharmacology")
    return [*(pharmacology.load(name) for name in names), *files]
