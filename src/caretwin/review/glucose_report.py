"""The glucose advice as one HTML file that opens anywhere: no script, font, style or picture from elsewhere."""

from collections.abc import Mapping
from importlib.resources import files

from caretwin.decide.glucose import Advice, Judged
from caretwin.review import glucose_words as words
from caretwin.review.glucose_words import Provenance
from caretwin.twin.glucose import measured

TREATMENTS = 12
NARROW = "\u00a0"  # a number stays on the line of its unit


def report(advice: Advice, figures: Mapping[str, str], provenance: Provenance) -> str:
    """The page as text. The patient stands in it by the id that the source gives, and by nothing else.

    figures   SVG texts by name, as :func:`caretwin.review.glucose_figures.drawings` gives them
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"percent": lambda p: words.percent(float(p)).replace(" ", NARROW)}
    source = files("caretwin.review").joinpath("templates/glucose_report.html.j2").read_text("utf-8")
    times, values, channels = measured(advice.record.as_of(advice.question.now))
    known = [row for row in zip(times, values, channels, strict=True) if row[0] <= advice.question.now]
    return environment.from_string(source).render(
        advice=advice,
        chosen=advice.chosen,
        limits=advice.question.limits,
        question=advice.question,
        record=advice.record,
        words=words,
        answer=words.answer(advice).replace(" %", f"{NARROW}%"),
        hours=advice.chosen.hours if advice.chosen is not None else advice.question.limits.intervals[0],
        rows=treatments(advice, TREATMENTS),
        known=known[-24:],
        figures={name: Markup(text) for name, text in figures.items()},  # our own, with their texts escaped
        findings=[
            f for f in advice.record.findings if f.column is None or "glucose" in f.column or "insulin" in f.column
        ],
        provenance=provenance,
    )


def treatments(advice: Advice, count: int) -> list[tuple[str, Judged]]:
    """The best treatments, at most two of one insulin rate, and what is running."""
    found: list[tuple[str, Judged]] = []
    for judged in advice.judged:
        same = sum(1 for _, other in found if other.insulin == judged.insulin)
        if same < 2 and len(found) < count:
            found.append((str(len(found) + 1), judged))
    return found + ([("as now", advice.current)] if advice.current is not None else [])
