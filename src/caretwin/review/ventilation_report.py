"""The ventilator advice as one HTML file that opens anywhere: no script, font, style or picture from elsewhere."""

from collections.abc import Mapping
from importlib.resources import files

from caretwin.decide.ventilation import Advice, Judged
from caretwin.decide.ventilation_limits import HARD, SOFT
from caretwin.review import bedside_words
from caretwin.review import ventilation_words as words
from caretwin.review.bedside_words import READINGS, Provenance

STEPS = 12
NARROW = "\u00a0"  # a number stays on the line of its unit


def report(advice: Advice, figures: Mapping[str, str], provenance: Provenance) -> str:
    """The page as text. The patient stands in it by the id that the source gives, and by nothing else.

    figures   SVG texts by name, as :func:`caretwin.review.ventilation_drawings.drawings` gives them
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"percent": lambda p: bedside_words.percent(float(p)).replace(" ", NARROW)}
    folder = files("caretwin.review").joinpath("templates")
    source = folder.joinpath("ventilation_report.html.j2").read_text("utf-8")
    style = folder.joinpath("bedside_style.css").read_text("utf-8")
    return environment.from_string(source).render(
        advice=advice,
        chosen=advice.chosen,
        limits=advice.question.limits,
        record=advice.bedside.record,
        words=words,
        shared=bedside_words,
        readings=READINGS,
        compared=compared(advice),
        rows=rows(advice),
        hard=HARD,
        shown_limits=[name for name in (*HARD, *SOFT) if name != "power_per_kg"],
        limit_names=words.limit_names(advice),
        figures={name: Markup(text) for name, text in figures.items()},  # our own, with their texts escaped
        style=Markup(style),
        findings=[f for f in advice.bedside.record.findings if f.severity != "info"],
        provenance=provenance,
    )


def compared(advice: Advice) -> list[Judged]:
    """No change, what was asked, and what is advised."""
    found = [advice.judged[0], *(j for j in advice.judged if j.candidate.kind == "asked")]
    if advice.chosen is not None and advice.chosen not in found:
        found.append(advice.chosen)
    return found


def rows(advice: Advice) -> list[tuple[str, Judged]]:
    """Rows of the table of settings: no change, what was asked, the best small steps."""
    found, rank = [], 0
    for j in advice.judged:
        rank += j.candidate.kind == "step"
        if j.candidate.kind != "step" or rank <= STEPS or j is advice.chosen:
            name = {"as now": "as now", "asked": "asked"}.get(j.candidate.kind, str(rank))
            found.append(("advised" if j is advice.chosen else name, j))
    return found
