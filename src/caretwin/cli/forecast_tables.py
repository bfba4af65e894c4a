"""How a validation looks on a terminal: one line per model, then what was not forecast and why."""

from collections.abc import Mapping, Sequence
from typing import Any

UNITS_OF_CHANNEL = {"level": "levels", "effect": "effects", "metabolite": "metabolite levels"}


def results_table(title: str, entries: Sequence[Mapping[str, Any]]) -> Any:
    """One line per model: how far off and how well calibrated, before any level and one step ahead."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False)
    table.add_column("model")
    for heading in (
        "patients", "levels", "MdPE\na priori", "MdAPE\na priori", "MdPE\nnext level", "MdAPE\nnext level",
        "in the 90 %\ninterval", "CRPS", "log score",
    ):  # fmt: skip
        table.add_column(heading, justify="right")
    for e in entries:
        style = "bold" if e["model"] == "average" else ""
        table.add_row(
            _name(e), str(e["patients"]), str(e["levels"]), percent(e["mdpe_prior"], True), percent(e["mdape_prior"]),
            percent(e["mdpe_next"], True), percent(e["mdape_next"]), _coverage(e), _figure(e["crps_next"]),
            _figure(e["log_score_next"], True), style=style,
        )  # fmt: skip
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


def percent(value: float | None, signed: bool = False) -> str:
    """A fraction as per cent with one digit; a dash when there is none."""
    if value is None:
        return "-"
    return f"{100 * value:+.1f} %" if signed else f"{100 * value:.1f} %"


def _coverage(e: Mapping[str, Any]) -> str:
    value, interval = e["coverage90_next"], e["coverage90_next_interval"]
    if value is None or interval is None:
        return percent(value)
    return f"{100 * value:.1f} % ({100 * interval[0]:.0f}-{100 * interval[1]:.0f})"


def _figure(value: float | None, signed: bool = False) -> str:
    if value is None:
        return "-"
    return f"{value:+.3f}" if signed else f"{value:.3g}"


def _name(e: Mapping[str, Any]) -> str:
    return e["model"] if e["channel"] == "level" else f"{e['model']} ({UNITS_OF_CHANNEL[e['channel']]})"
