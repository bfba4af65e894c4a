"""Writes results.json and results.md beside this file from the PB-840 recordings in a folder.

python evidence/physiology/breath/measure.py FOLDER
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import caretwin.core  # noqa: F401  double precision
from caretwin.ingest.ventilator_waveform import read_ventilator_waveform
from caretwin.models.physiology.breath import Lung, volume_control
from caretwin.review.breath_closed_form import closed_form_errors
from caretwin.review.breath_validation import summary

HERE = Path(__file__).parent
WAVEFORMS = {
    "jimmy-example-data.csv.test": "volume control, falling flow, no effort visible, 5 holds",
    "0149_2016-02-17-08-38-13_1.csv_test": "pressure set, patient breathing, no hold",
}
CONTROLLED = "jimmy-example-data.csv.test"
GROUPS = {"all": "all", "usable": "well fitted", "volume_changed": "volume changed > 20 %"}


def made_by_the_model(compliance, resistance, volume, rate, fraction, peep, pause, end_flow):
    lung = Lung(compliance, resistance, resistance)
    return volume_control(lung, volume, rate, fraction, peep, pause_fraction=pause, end_flow=end_flow)


def measure(folder: Path) -> dict:
    waveforms = {name: read_ventilator_waveform(folder / name) for name in WAVEFORMS}
    forecasts = [summary(w, intercept) for w in waveforms.values() for intercept in ("fitted", "measured")]
    closed = [asdict(line) for line in closed_form_errors(waveforms[CONTROLLED], made_by_the_model)]
    return {"forecasts": forecasts, "closed_form": {"source": CONTROLLED, "errors": closed}}


def number(value, digits=2):
    return "-" if value is None else f"{value:.{digits}f}"


def line(*cells):
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def error_row(first, e):
    digits = 3 if e["quantity"] in ("volume", "peak_flow") else 2
    values = (number(e[k], digits) for k in ("median", "ninety", "mean", "baseline_median", "baseline_ninety"))
    return line(*first, e["quantity"].replace("_", " "), e["breaths"], *values)


HEAD = ("quantity", "breaths", "median", "90 %", "mean", "baseline median", "baseline 90 %")


def tables(results: dict) -> str:
    parameters = [
        "| recording | P0 | breaths | usable | refused | C [mL/cmH2O] | R [cmH2O s/L] | P0 [cmH2O] |",
        "|---|---|---|---|---|---|---|---|",
    ]
    errors = [line("recording", "P0", "breaths taken", *HEAD), "|---" * (len(HEAD) + 3) + "|"]
    for r in results["forecasts"]:
        ranges = [
            " / ".join(number(v * f, d) for v in r["parameters"][k])
            for k, f, d in (("compliance", 1000, 1), ("resistance", 1, 2), ("start_pressure", 1, 1))
        ]
        refused = ", ".join(f"{count} {why}" for why, count in r["refused"].items()) or "none"
        name = r["source"].split("-")[0].split("_")[0]
        parameters.append(line(name, r["intercept"], r["breaths"], r["usable"], refused, *ranges))
        errors += [error_row((name, r["intercept"], GROUPS[g]), e) for g in GROUPS for e in r["errors"][g]]
    closed = [line(*HEAD), "|---" * len(HEAD) + "|"]
    closed += [error_row((), e) for e in results["closed_form"]["errors"]]
    return "\n".join(
        [
            "Fits, quartiles of the usable ones\n",
            *parameters,
            "\nForecasts from earlier breaths; pressures in cmH2O, volumes in L, errors as |forecast - measured|\n",
            *errors,
            "\nClosed-form breath from settings alone, volume-controlled recording; pressures in cmH2O, flow in L/s\n",
            *closed,
            "",
        ]
    )


def rounded(found: Any) -> Any:
    """Every number to ten digits: the last ones differ between processors."""
    if isinstance(found, dict):
        return {name: rounded(value) for name, value in found.items()}
    if isinstance(found, list | tuple):
        return [rounded(value) for value in found]
    return float(f"{found:.10g}") if isinstance(found, float) else found


def main(folder: str) -> None:
    results = rounded(measure(Path(folder)))
    (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (HERE / "results.md").write_text(tables(results), encoding="utf-8")
    print(tables(results))


if __name__ == "__main__":
    main(sys.argv[1])
