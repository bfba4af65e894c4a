"""How a validation looks on a terminal: one line per model, then what was not forecast and why."""

from collections.abc import Mapping, Sequence
from typing import Any

WORDS_OF_CHANNEL = {"effect": "effect", "metabolite": "metabolite"}


def results_table(title: str, entries: Sequence[Mapping[str, Any]]) -> Any:
    """One line per model: how far off and how well calibrated, before any level and one step ahead."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False)
    table.add_column("model", no_wrap=True)
    for heading in (
        "patients\n/levels",
        "a priori\nMdPE/MdAPE %",
        "next level\nMdPE/MdAPE %",
        "in the 90 %\ninterval, %",
        "next\nCRPS",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for e in entries:
        table.add_row(
            _name(e),
            f"{e['patients']}/{e['levels']}",
            _errors(e, "prior"),
            _errors(e, "next"),
            _coverage(e),
            _figure(e["crps_next"]),
            style="bold" if e["model"] == "average" else "",
        )
    return table


def refusals_table(title: str, rows: Sequence[tuple[str, ...]], headings: Sequence[str]) -> Any:
    """Rows of text under headings; the last columns are counts."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False)
    for i, heading in enumerate(headings):
        table.add_column(heading, justify="right" if i >= len(headings) - 2 else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def not_forecast(refused: Sequence[Any], patient_of: Any) -> list[tuple[str, str, str, str]]:
    """(model, reason, levels, patients) of everything that no forecast was made for, most levels first."""
    levels: dict[tuple[str, str], int] = {}
    patients: dict[tuple[str, str], set[str]] = {}
    for one in refused:
        key = (one.model, one.reason)
        levels[key] = levels.get(key, 0) + one.levels
        patients.setdefault(key, set()).add(patient_of(one.subject))
    order = sorted(levels, key=lambda key: (key[0], -levels[key]))
    return [(*key, str(levels[key]), str(len(patients[key]))) for key in order]


def _errors(e: Mapping[str, Any], stage: str) -> str:
    bias, inaccuracy = e[f"mdpe_{stage}"], e[f"mdape_{stage}"]
    return "-" if bias is None else f"{100 * bias:+.1f}/{100 * inaccuracy:.1f}"


def _coverage(e: Mapping[str, Any]) -> str:
    value, interval = e["coverage90_next"], e["coverage90_next_interval"]
    if value is None:
        return "-"
    around = f" ({100 * interval[0]:.0f}-{100 * interval[1]:.0f})" if interval else ""
    return f"{100 * value:.1f}{around}"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _name(e: Mapping[str, Any]) -> str:
    """The model without its drug, which the title names."""
    name = e["model"].split(".", 1)[-1]
    return name if e["channel"] == "level" else f"{name} ({WORDS_OF_CHANNEL[e['channel']]})"
