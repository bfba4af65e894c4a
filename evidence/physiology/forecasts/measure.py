"""Writes results.json and results.md beside this file: forecasts of vital signs on real stays, beside simple rules.

python evidence/physiology/forecasts/measure.py [FOLDER]

FOLDER holds CLIF tables; without it, the CLIF form of the MIMIC-IV demo.
"""

import json
import sys
from pathlib import Path

import caretwin.core  # noqa: F401  double precision
from caretwin.cli.validate_bedside import finite, forecast_scores
from caretwin.twin.vital_forecasts import CHANNELS

HERE = Path(__file__).parent
PARTICLES = 500
UNIT = {
    "mean_arterial_pressure": "mmHg",
    "heart_rate": "1/min",
    "oxygen_saturation": "%",
    "respiratory_rate": "1/min",
}
HEAD = ("channel", "h ahead", "n", "stays", "twin", "AR", "persistence", "twin / AR", "90 % coverage", "of AR")


def line(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def rows(scores: dict) -> list[str]:
    found = []
    for channel in CHANNELS:
        for horizon, s in scores[channel].items():
            first = (f"{channel.replace('_', ' ')} [{UNIT[channel]}]", horizon, s["n"])
            if "crps" not in s:
                continue
            means = (f"{s[k]:.3f}" for k in ("crps", "crps_ar", "crps_persistence"))
            shares = (f"{s['crps'] / s['crps_ar']:.3f}", f"{s['coverage90']:.3f}", f"{s['coverage90_ar']:.3f}")
            found.append(line(*first, s["subjects"], *means, *shares))
    return found


def tables(found: dict) -> str:
    parts = ["# All stays", "", line(*HEAD), "|---" * len(HEAD) + "|", *rows(found), ""]
    for name, groups in found["groups"].items():
        for group, scores in groups.items():
            parts += [f"# {name}: {group}", "", line(*HEAD), "|---" * len(HEAD) + "|", *rows(scores), ""]
    return "\n".join(parts)


if __name__ == "__main__":
    results = forecast_scores(Path(sys.argv[1] if len(sys.argv) > 1 else "demo"), particles=PARTICLES)
    (HERE / "results.json").write_text(json.dumps(finite(results), indent=1) + "\n", encoding="utf-8")
    (HERE / "results.md").write_text(tables(results), encoding="utf-8")
