"""A simulated course in a terminal: who, what was assumed, and the rows around every change."""

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from caretwin.decide.ventilation_candidates import VOLUME_MODES
from caretwin.record.scenario import UNITS, Scenario
from caretwin.twin.scenario import Course, held

SHOWN = (
    ("HR", "heart_rate_per_min", 0),
    ("MAP", "mean_arterial_pressure_mmHg", 0),
    ("CVP", "central_venous_pressure_mmHg", 1),
    ("CO", "cardiac_output_L_per_min", 2),
    ("SpO2", "oxygen_saturation_percent", 1),
    ("PaO2", "arterial_oxygen_pressure_mmHg", 0),
    ("PaCO2", "arterial_carbon_dioxide_pressure_mmHg", 1),
    ("pH", "arterial_ph", 2),
    ("Pplat", "plateau_pressure_cmH2O", 1),
    ("VT", "tidal_volume_mL", 0),
    ("RR", "respiratory_rate_per_min", 0),
)
MOST_ROWS = 16
WITHOUT_SEVERITY = ("healthy", "intensive_care")
STOPPED = 20.0
"""mmHg of mean arterial pressure below which a circulation has as good as stopped (assumed: near the mean systemic
filling pressure, which is what is left when nothing flows)."""
DELIVERED = 0.95
"""Share of a set volume that counts as delivered (assumed)."""
LATER = 5.0
"""min after a change at which a row is shown."""


def show(console: Console, scenario: Scenario, course: Course) -> None:
    """Print who, the assumptions, the changes and the rows around them."""
    person = scenario.person
    graded = scenario.severity and scenario.condition not in WITHOUT_SEVERITY
    condition = f"{scenario.condition}, severity {scenario.severity}" if graded else scenario.condition
    console.print(Text(scenario.title, style="bold"))
    console.print(
        f"  {person.sex}, {person.age_y:g} y, {person.height_cm:g} cm, {person.weight_kg:g} kg; {condition}; "
        + ("typical patient" if len(course.values) == 1 else f"median of {len(course.values)} draws")
    )
    for note in scenario.assumed:
        console.print(f"  assumed: {note}")
    for change in scenario.changes:
        words = ", ".join(f"{name} {value:g} {UNITS[name]}".removesuffix(" 1") for name, value in change.values.items())
        end = "" if change.lasts_min is None else f", for {change.lasts_min:g} min"
        console.print(f"  {change.at_min:g} min: {words}{end}")
    table = Table(box=None, pad_edge=False)
    for title in ("min", *(short for short, _, _ in SHOWN)):
        table.add_column(title, justify="right")
    for row in _rows(scenario, course.minutes):
        cells = [f"{np.median(course.of(name)[:, row]):.{digits}f}" for _, name, digits in SHOWN]
        table.add_row(f"{course.minutes[row]:g}", *cells)
    console.print(table)
    short = not_delivered(scenario, course)
    if short is not None:
        minute, wanted, given, pressure = short
        console.print(
            f"  from minute {minute:g} on the set breath is not delivered: {given:.0f} of {wanted:.0f} mL at a plateau "
            f"of {pressure:.0f} cmH2O, where the ventilator's pressure limit ends it"
        )
    stopped = stopped_at(course)
    if stopped is not None:
        console.print(
            f"  from minute {stopped:g} on blood hardly flows (MAP under {STOPPED:g} mmHg): without help, death; "
            "numbers after it mean nothing"
        )
    console.print(Text("mmHg, L/min, %, cmH2O, mL, per min. Simulated: nobody's course.", style="italic"))


def stopped_at(course: Course) -> float | None:
    """Minute at which the median of mean arterial pressure first falls below STOPPED; None: never."""
    pressure = np.median(course.of("mean_arterial_pressure_mmHg"), axis=0)
    rows = np.flatnonzero(pressure < STOPPED)
    return float(course.minutes[rows[0]]) if len(rows) else None


def not_delivered(scenario: Scenario, course: Course) -> tuple[float, float, float, float] | None:
    """First minute at which a set volume is not delivered, the mL set and delivered, and the plateau; None: never."""
    volume = np.median(course.of("tidal_volume_mL"), axis=0)
    plateau = np.median(course.of("plateau_pressure_cmH2O"), axis=0)
    for minute, given, pressure in zip(course.minutes, volume, plateau, strict=True):
        shown = held(scenario, minute - 1e-3)  # what is set at a minute shows from the next row on
        wanted = 1000.0 * shown["tidal_volume"]
        if round(shown["ventilator_mode"]) in VOLUME_MODES and given < DELIVERED * wanted:
            return float(minute), wanted, float(given), float(pressure)
    return None


def _rows(scenario: Scenario, minutes: np.ndarray) -> list[int]:
    """First, last, and those at and some minutes after each change; thinned where there are too many."""
    wanted = [0.0, minutes[-1]]
    for change in scenario.changes:
        wanted += [change.at_min, change.at_min + LATER]
        if change.lasts_min is not None:
            wanted.append(change.at_min + change.lasts_min)
    found = sorted({int(np.argmin(np.abs(minutes - t))) for t in wanted})
    if len(found) <= MOST_ROWS:
        return found
    return sorted({found[int(i)] for i in np.linspace(0, len(found) - 1, MOST_ROWS)})
