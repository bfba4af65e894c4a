"""The dosing advice as one HTML file that opens anywhere: no script, font, style or picture from elsewhere."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from caretwin.decide.dosing import Advice
from caretwin.decide.personal import Personal
from caretwin.decide.sensitivity import Consequence
from caretwin.review import dosing_words as words
from caretwin.review.dosing_words import Provenance

REGIMENS = 12
NARROW = "\u00a0"  # a number stays on the line of its unit


def report(
    advice: Advice,
    parameters: dict[str, tuple[Personal, ...]],
    slips: Sequence[Consequence],
    figures: Mapping[str, str],
    provenance: Provenance,
) -> str:
    """The page as text. The patient stands in it by the id that the table gives, and by nothing else.

    parameters  individual parameters by the label of a model
    slips       effect of a wrong dose or sample time
    figures     SVG texts by name, as :mod:`caretwin.review.figures` draws them
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    # autoescape: whatever a table holds is text, never markup
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"percent": lambda p: words.percent(p).replace(" ", NARROW), "number": words.number}
    source = files("caretwin.review").joinpath("templates/dosing_report.html.j2").read_text("utf-8")
    drug = words.drug_of(advice)
    return environment.from_string(source).render(
        advice=advice,
        best=advice.best,
        question=advice.question,
        record=advice.record,
        target=advice.target,
        drug=drug,
        words=words,
        answer=words.answer(advice).replace(" %", f"{NARROW}%"),
        members=sorted(advice.members, key=lambda m: -m.weight),
        speaking=sorted(advice.speaking, key=lambda m: -m.weight),
        rows=_rows(advice),
        figures={name: Markup(text) for name, text in figures.items()},  # our own, with their texts escaped
        parameters=parameters,
        slips=slips,
        provenance=provenance,
        notes=words.grouped_notes(advice),
        findings=sorted(advice.record.findings, key=lambda f: ("error", "warning", "info").index(f.severity)),
        given=[d for d in advice.record.doses if d.time_h < advice.question.now],
    )


def _rows(advice: Advice) -> list[tuple[str, Any]]:
    if not advice.judged:
        return []
    rows = [(str(rank), judged) for rank, judged in enumerate(words.shown_regimens(advice, REGIMENS), 1)]
    return rows + ([("as now", advice.current)] if advice.current is not None else [])
