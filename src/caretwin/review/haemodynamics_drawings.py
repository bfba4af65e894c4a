"""The drawings of a haemodynamic report: what each course would bring, and the grid of rate by fluid."""

from caretwin.decide.haemodynamics import Advice
from caretwin.review import haemodynamics_words as words
from caretwin.review.bedside_drawings import Course, fans, safe_map

DRAWN = (
    "mean_arterial_pressure_mmHg", "cardiac_output_L_per_min", "central_venous_pressure_mmHg", "heart_rate_per_min",
    "oxygen_saturation_percent", "haemoglobin_g_per_dL",
)  # fmt: skip


def drawings(advice: Advice) -> dict[str, str]:
    """SVG texts by name: the fans, and two grids."""
    target, grid = advice.question.target, advice.grid
    bounds = {"mean_arterial_pressure_mmHg": (target.low, target.high)}
    rows = ("crystalloid, mL", tuple(1000.0 * v for v in grid.fluids))
    columns = ("norepinephrine, ug/kg/min", grid.rates)
    present = (0.0, float(advice.bedside.settings.infusions.norepinephrine))
    held = 1.0 - grid.below
    return {
        "fans": fans(courses(advice), advice.minutes, advice.names, DRAWN, bounds, "After the change"),
        "held": safe_map(held, rows, columns, present, "held", f"chance of a mean MAP of {target.low:g} or more, %"),
        "inside": safe_map(
            grid.inside, rows, columns, present, "inside", f"chance of {target.low:g}-{target.high:g} mmHg, %", False
        ),
    }


def courses(advice: Advice) -> list[Course]:
    """No change, what was asked first, and what is advised."""
    found = [Course("no change", 0, advice.judged[0].bands)]
    asked = next((j for j in advice.judged if j.candidate.kind == "asked"), None)
    if asked is not None:
        found.append(Course(f"asked: {_short(words.change_of(asked, advice))}", 1, asked.bands))
    if advice.chosen is not None and advice.chosen.candidate.kind == "step":
        found.append(Course(f"advised: {_short(words.change_of(advice.chosen, advice))}", 2, advice.chosen.bands))
    return found


def _short(text: str) -> str:
    return text.partition(" (now")[0]
