"""The haemodynamic advice as one HTML file that opens anywhere: no script, font, style or picture from elsewhere."""

from collections.abc import Mapping
from importlib.resources import files

from caretwin.decide.haemodynamics import Advice, Judged
from caretwin.review import bedside_words
from caretwin.review import haemodynamics_words as words
from caretwin.review.bedside_words import READINGS, Provenance

SHOWN = (
    "mean_arterial_pressure_mmHg", "cardiac_output_L_per_min", "central_venous_pressure_mmHg", "heart_rate_per_min",
    "oxygen_saturation_percent", "haemoglobin_g_per_dL", "blood_volume_L",
)  # fmt: skip
NARROW = "\u00a0"  # a number stays on the line of its unit


def report(advice: Advice, figures: Mapping[str, str], provenance: Provenance) -> str:
    """The page as text. The patient stands in it by the id that the source gives, and by nothing else.

    figures   SVG texts by name, as :func:`caretwin.review.haemodynamics_drawings.drawings` gives them
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"percent": lambda p: bedside_words.percent(float(p)).replace(" ", NARROW)}
    folder = files("caretwin.review").joinpath("templates")
    source = folder.joinpath("haemodynamics_report.html.j2").read_text("utf-8")
    style = folder.joinpath("bedside_style.css").read_text("utf-8")
    return environment.from_string(source).render(
        advice=advice,
        chosen=advice.chosen,
        target=advice.question.target,
        record=advice.bedside.record,
        words=words,
        shared=bedside_words,
        readings={name: READINGS[name] for name in SHOWN},
        compared=compared(advice),
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
