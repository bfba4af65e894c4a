"""The drawings of a ventilator report: what each course would bring, and where the safe region lies."""

from caretwin.decide.ventilation import Advice, SafeMap
from caretwin.review import ventilation_words as words
from caretwin.review.bedside_drawings import Course, fans, safe_map

DRAWN = (
    "oxygen_saturation_percent", "arterial_oxygen_pressure_mmHg", "arterial_carbon_dioxide_pressure_mmHg",
    "arterial_ph", "plateau_pressure_cmH2O", "driving_pressure_cmH2O", "mean_arterial_pressure_mmHg",
    "cardiac_output_L_per_min", "mechanical_power_J_per_min",
)  # fmt: skip
AXES = {"peep": "PEEP, cmH2O", "fio2": "FiO2", "volume_per_kg": "VT, mL/kg predicted weight", "rate": "rate, /min",
        "pressure": "pressure above PEEP, cmH2O"}  # fmt: skip


def drawings(advice: Advice) -> dict[str, str]:
    """SVG texts by name: the fans, and a map of each pair of settings."""
    limits = advice.question.limits
    bounds = {
        "oxygen_saturation_percent": (limits.saturation_low, limits.saturation_high),
        "arterial_ph": (limits.ph_low,),
        "plateau_pressure_cmH2O": (limits.plateau,),
        "driving_pressure_cmH2O": (limits.driving,),
        "mean_arterial_pressure_mmHg": (limits.arterial_low,),
        "mechanical_power_J_per_min": (limits.power,),
    }
    found = {"fans": fans(courses(advice), advice.minutes, advice.outlook_names, DRAWN, bounds, "After the change")}
    for number, safe in enumerate(advice.maps):
        found[f"map{number}"] = _map(safe, number)
    return found


def courses(advice: Advice) -> list[Course]:
    """No change, what was asked first, and what is advised."""
    found = [Course("no change", 0, advice.judged[0].bands)]
    asked = next((j for j in advice.judged if j.candidate.kind == "asked"), None)
    if asked is not None:
        found.append(Course(f"asked: {words.plain(asked, advice)}", 1, asked.bands))
    if advice.chosen is not None and advice.chosen.candidate.kind == "step":
        found.append(Course(f"advised: {words.plain(advice.chosen, advice)}", 2, advice.chosen.bands))
    return found


def _map(safe: SafeMap, number: int) -> str:
    rows, columns = (AXES[safe.rows[0]], safe.rows[1]), (AXES[safe.columns[0]], safe.columns[1])
    title = f"{AXES[safe.rows[0]].split(',')[0]} by {AXES[safe.columns[0]].split(',')[0]}"
    return safe_map(safe.safe, rows, columns, safe.present, f"map{number}", title)
