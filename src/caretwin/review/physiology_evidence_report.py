"""The whole evidence of the physiology model as tables (Markdown), numbers (JSON) and drawings (SVG)."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from caretwin.review import physiology_evidence_circulation as circulation
from caretwin.review import physiology_evidence_gases as gases
from caretwin.review import physiology_evidence_rest as rest
from caretwin.review.figures import BLUE, GREEN, GREY, INK, ORANGE, STYLE, svg
from caretwin.review.physiology_evidence import Line, Section

SWEEPS = "pulse_engine_outputs"


def all_sections(reference: Path) -> list[Section]:
    """Every section, computed; ``reference`` is the folder of measured figures and of other programs' outputs."""
    makers: Sequence[Callable[[], Section]] = (
        rest.rest_states,
        rest.breathing_alone,
        lambda: rest.peep_step(
            _rows(reference / SWEEPS / "pulse_sweep_ards06.csv"),
            _rows(reference / SWEEPS / "pulse421_sweep_ards06.csv"),
        ),
        rest.preload,
        lambda: rest.peep_sweep(
            _rows(reference / SWEEPS / "pulse421_sweep_healthy.csv"), _rows(reference / "anasim_outputs.csv")
        ),
        lambda: circulation.haemorrhage(reference),
        circulation.sudden_loss,
        circulation.norepinephrine,
        circulation.phenylephrine,
        circulation.patients_on_norepinephrine,
        circulation.propofol,
        circulation.fluids,
        lambda: gases.blood_gas_algebra(reference),
        lambda: gases.oxygen_step(reference),
        lambda: gases.carbon_dioxide_stores(reference),
        lambda: gases.ventilatory_responses(reference),
    )
    return [make() for make in makers]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def as_json(sections: Sequence[Section]) -> dict[str, Any]:
    """Numbers of every line, rounded to six digits, with the counts of those inside their range."""
    inside = np.sum([section.inside for section in sections], axis=0)
    return {
        "inside": int(inside[0]),
        "with_a_range": int(inside[1]),
        "sections": {
            section.name: {
                "title": section.title,
                "inside": list(section.inside),
                "note": section.note,
                "lines": [_as_json(line) for line in section.lines],
            }
            for section in sections
        },
    }


def _as_json(line: Line) -> dict[str, Any]:
    found = asdict(line) | {"ours": float(f"{line.ours:.6g}"), "inside": line.inside}
    return found | {"peers": {name: float(f"{value:.6g}") for name, value in line.peers.items()}}


def as_markdown(sections: Sequence[Section]) -> str:
    """Tables of all sections."""
    return "\n".join(_section(section) for section in sections)


def _section(section: Section) -> str:
    peers = list(dict.fromkeys(name for line in section.lines for name in line.peers))
    inside, judged = section.inside
    head = ["", "ours", "unit", "range", "inside", *peers, "source"]
    rows = [
        [
            line.what,
            _number(line.ours),
            line.unit,
            _range(line),
            {True: "yes", False: "**no**", None: ""}[line.inside],
            *(_number(line.peers[name]) if name in line.peers else "" for name in peers),
            line.source,
        ]
        for line in section.lines
    ]
    table = [head, ["---"] * len(head), *rows]
    text = "\n".join("| " + " | ".join(cells) + " |" for cells in table)
    note = f"{section.note}\n\n" if section.note else ""
    return f"## {section.title}: {inside} of {judged} inside\n\n{note}{text}\n"


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def _range(line: Line) -> str:
    if line.low is None and line.high is None:
        return ""
    if line.low is None:
        return f"up to {_number(line.high or 0.0)}"
    return f"from {_number(line.low)}" if line.high is None else f"{_number(line.low)} to {_number(line.high)}"


LOOKS = {"ours": (BLUE, "-", 1.8), "Guyton": (INK, "", 0.0), "Pulse": (ORANGE, (0, (4, 2)), 1.4)}


def drawings(sections: Sequence[Section]) -> dict[str, str]:
    """SVG text by file name."""
    by = {section.name: section for section in sections}
    return {
        "haemorrhage.svg": _haemorrhage(by["haemorrhage"]),
        "ventilation.svg": _ventilation(by["ventilatory"]),
        "peep.svg": _peep(by["sweep"]),
    }


def _panels(count: int, height: float = 3.4) -> tuple[Figure, Any]:
    figure = Figure(figsize=(9.2, height), layout="constrained")
    return figure, figure.subplots(1, count)


def _haemorrhage(section: Section) -> str:
    with matplotlib.rc_context(STYLE):
        figure, axes = _panels(2)
        for ax, what in zip(axes, ("MAP", "CO"), strict=True):
            for name, (colour, dash, width) in LOOKS.items():
                points = np.array(section.curves[f"{name} {what}"])
                look = {"ls": "none", "marker": "."} if not dash else {"ls": dash, "lw": width}
                ax.plot(points[:, 0], points[:, 1], color=colour, label=name, **look)
            ax.set_xlim(0, 40)
            ax.set_ylim(0, 110)
            ax.set_xlabel("% of the blood lost, 150 mL/min")
            ax.set_ylabel(f"{what}, % of start")
            ax.legend(frameon=False)
        return svg(
            figure, "Haemorrhage", "Arterial pressure and output against Guyton's curve and Pulse 4.2.0.", "bleed"
        )


def _ventilation(section: Section) -> str:
    with matplotlib.rc_context(STYLE):
        figure, axes = _panels(2)
        colours = (BLUE, GREEN, ORANGE, GREY)
        for ax, gas in zip(axes, ("CO2", "O2"), strict=True):
            names = [name for name in section.curves if name.startswith(gas)]
            for colour, name in zip(colours, names, strict=False):
                points = np.array(section.curves[name])
                ax.plot(points[:, 0], points[:, 1], color=colour, label=name)
                measured = next(line.peers["measured"] for line in section.lines
                                if line.what.startswith(f"{name}:") and "measured" in line.peers)  # fmt: skip
                ax.axhline(measured, color=colour, ls=(0, (1, 2)), lw=1)
            ax.set_xlabel("min (dotted: measured)")
            ax.set_ylabel("ventilation, L/min")
            ax.legend(frameon=False)
        return svg(figure, "Ventilatory responses", "Ventilation while breathing CO2 and air poor in oxygen.", "breath")


def _peep(section: Section) -> str:
    with matplotlib.rc_context(STYLE):
        figure, axes = _panels(2)
        for ax, what in zip(axes, ("CO", "MAP"), strict=True):
            for colour, name in zip((BLUE, ORANGE, GREEN), ("ours", "Pulse 4.2.1", "AnaSim 1.7"), strict=True):
                points = np.array(section.curves[f"{name} {what}"])
                ax.plot(points[:, 0], points[:, 1], color=colour, marker="o", ms=4, label=name)
            ax.set_xlabel("PEEP, cmH2O, healthy and ventilated")
            ax.set_ylabel(f"{what}, % of its value at PEEP 5")
            ax.legend(frameon=False)
        return svg(figure, "PEEP in health", "Output and pressure over PEEP, each relative to PEEP 5.", "peep")
