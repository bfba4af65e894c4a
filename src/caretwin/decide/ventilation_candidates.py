"""Which ventilator settings are tried: nothing changed, what was asked, small steps, the written rules, and two
maps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from caretwin.decide.bedside_change import applied, differing
from caretwin.decide.bedside_now import Bedside
from caretwin.decide.ventilation_tables import STEPS, Rule

VOLUME_MODES, PRESSURE_MODES = (1, 3), (2,)
VOLUME_STEP, RATE_STEPS, PRESSURE_STEP = 1.0, (2.0, 4.0), 2.0
"""mL/kg predicted weight, breaths/min, cmH2O: the largest steps of one advice (VT and PEEP: assumed by the field;
rate and
pressure: assumed)."""
OXYGEN_STEPS, HYPOXAEMIC_STEP = (0.05, 0.1), 0.3
PEEP_STEPS = 2
LOWEST_VOLUME, HIGHEST_VOLUME, HIGHEST_RATE, LOWEST_RATE = 4.0, 8.0, 35.0, 8.0
EXPLORED = {"peep": 12.0, "fio2": 0.3, "volume_per_kg": 2.0, "rate": 10.0, "pressure": 8.0}
"""How far beyond what this patient's data have seen a setting may lie. PEEP: breath models are validated to changes
of 12
cmH2O (BioMed Eng OnLine 2017, doi:10.1186/s12938-017-0415-y); the others are assumed."""
MAP_PEEP = (5.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.0, 20.0, 24.0)
MAP_OXYGEN = (0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.85, 1.0)
MAP_VOLUME = (4.0, 4.5, 5.0, 5.5, 6.0, 6.5, 7.0, 7.5, 8.0, 9.0)
MAP_RATE = (10.0, 12.0, 15.0, 18.0, 20.0, 22.0, 25.0, 28.0, 32.0, 35.0)
MAP_PRESSURE = (6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.0, 20.0, 24.0, 28.0)


@dataclass(frozen=True)
class Candidate:
    """One thing to try: what it is for ("as now", "asked", "step", "rule", "map"), the change, the settings, its cost.

    steps   how many steps of one advice the change is: 0 for none, at most 1 for a small one
    refused why this patient's data cannot speak for it; None where they can
    """

    kind: str
    change: Mapping[str, float]
    settings: Any
    steps: float
    refused: str | None = None
    rule: str = ""


def seen_range(bedside: Bedside, name: str) -> tuple[float, float]:
    """What this patient's ventilator has been set to until now, at least what it is set to."""
    key = {"tidal_volume": "tidal_volume_set", "rate": "respiratory_rate_set", "pressure": "inspiratory_pressure"}
    signal = bedside.record.settings.get(key.get(name, name))
    present = float(getattr(bedside.settings, name))
    values = [present]
    if signal is not None:
        values += [float(v) for v in signal.value[np.isfinite(signal.value) & (signal.time_h <= bedside.now)]]
    return min(values), max(values)


def unexplored(bedside: Bedside, change: Mapping[str, float]) -> str | None:
    """Why a setting lies too far from what this patient has been seen under; None when it does not."""
    for name, value in change.items():
        key = "volume_per_kg" if name == "tidal_volume" else name
        if name == "mode" and round(value) != round(float(bedside.settings.mode)):
            return "the mode differs from the one this patient's breaths were seen in"
        if key not in EXPLORED:
            continue
        scale = bedside.predicted_weight if key == "volume_per_kg" else 1.0
        allowed = EXPLORED[key] * (scale if key != "volume_per_kg" else scale / 1000.0)
        low, high = seen_range(bedside, name)
        beyond = max(low - value, value - high, 0.0)
        if beyond > 1.03 * allowed:  # a rounded volume is no refusal
            shown = EXPLORED[key]
            unit = {"peep": " cmH2O", "fio2": "", "volume_per_kg": " mL/kg", "rate": "/min", "pressure": " cmH2O"}[key]
            return f"more than {shown:g}{unit} beyond what this patient has been seen under"
    return None


def candidate(bedside: Bedside, kind: str, change: Mapping[str, float], steps: float, rule: str = "") -> Candidate:
    """A candidate with its settings; what does not differ from what is set is left out of its change."""
    different = differing(bedside.settings, change)
    settings = applied(bedside.settings, change)
    return Candidate(kind, different, settings, steps if different else 0.0, unexplored(bedside, different), rule)


def small_steps(bedside: Bedside, hypoxaemic: bool) -> list[Candidate]:
    """One change each, as small as an advice may be; a smaller breath may come together with a faster rate."""
    u, weight = bedside.settings, bedside.predicted_weight / 1000.0
    found: list[tuple[dict[str, float], float]] = []
    peep = float(u.peep)
    up, down = [s for s in STEPS if s > peep + 0.1][:PEEP_STEPS], [s for s in STEPS if s < peep - 0.1][-PEEP_STEPS:]
    found += [({"peep": s}, (i + 1) / PEEP_STEPS) for i, s in enumerate(up)]
    found += [({"peep": s}, (i + 1) / PEEP_STEPS) for i, s in enumerate(reversed(down))]
    fio2 = float(u.fio2)
    amounts = [*OXYGEN_STEPS, -OXYGEN_STEPS[0], -OXYGEN_STEPS[1], *([0.2, HYPOXAEMIC_STEP] if hypoxaemic else [])]
    found += [({"fio2": round(fio2 + a, 2)}, min(abs(a) / 0.1, 1.0)) for a in amounts if 0.21 <= fio2 + a <= 1.0]
    rate = float(u.rate)
    rates = [r for s in RATE_STEPS for r in (rate + s, rate - s) if LOWEST_RATE <= r <= HIGHEST_RATE]
    found += [({"rate": r}, abs(r - rate) / RATE_STEPS[-1]) for r in rates]
    mode = round(float(u.mode))
    if mode in VOLUME_MODES:
        volumes = [float(u.tidal_volume) + s * weight for s in (-1.0, -0.5, 0.5, 1.0)]
        volumes = [v for v in volumes if LOWEST_VOLUME * weight - 1e-3 <= v <= HIGHEST_VOLUME * weight + 1e-3]
        for v in volumes:
            step = abs(v - float(u.tidal_volume)) / weight
            found.append(({"tidal_volume": round(v, 3)}, step))
            toward = [r for r in rates if (r - rate) * (v - float(u.tidal_volume)) < 0]
            found += [({"tidal_volume": round(v, 3), "rate": r}, step + 0.25) for r in toward]
    if mode in PRESSURE_MODES:
        found += [
            ({"pressure": float(u.pressure) + s}, 1.0) for s in (-PRESSURE_STEP, PRESSURE_STEP) if u.pressure + s > 3
        ]
    return [candidate(bedside, "step", change, steps) for change, steps in found]


def by_rules(bedside: Bedside, rules: tuple[Rule, ...]) -> list[Candidate]:
    """What the written rules ask for, as settings; a volume only in a mode that sets one."""
    weight = bedside.predicted_weight / 1000.0
    found = []
    for rule in rules:
        change = dict(rule.change)
        volume = change.pop("volume_per_kg", None)
        if volume is not None and round(float(bedside.settings.mode)) in VOLUME_MODES:
            change["tidal_volume"] = round(volume * weight, 3)
        found.append(candidate(bedside, "rule", change, np.inf, rule.name))
    return found


def oxygen_map(bedside: Bedside) -> list[Candidate]:
    """PEEP by FiO2: row after row of :data:`MAP_PEEP`."""
    return [candidate(bedside, "map", {"peep": p, "fio2": f}, np.inf) for p in MAP_PEEP for f in MAP_OXYGEN]


def breath_map(bedside: Bedside) -> list[Candidate]:
    """Tidal volume (or pressure, where that is set) by rate: row after row."""
    weight = bedside.predicted_weight / 1000.0
    if round(float(bedside.settings.mode)) in PRESSURE_MODES:
        return [candidate(bedside, "map", {"pressure": p, "rate": r}, np.inf) for p in MAP_PRESSURE for r in MAP_RATE]
    return [
        candidate(bedside, "map", {"tidal_volume": v * weight, "rate": r}, np.inf) for v in MAP_VOLUME for r in MAP_RATE
    ]
