"""Writes the measured tables into docs/: forecasts of real patients and speed, from the files that the commands wrote.

    caretwin validate dosing --set NAME --json evidence/dosing/results/NAME.json
    make bench                                           # writes bench/results.json
    python scripts/result_tables.py                      # puts both between the marks in docs/

A test holds the pages against the files, so that no figure of these tables is typed by hand.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("docs/validation.md", "docs/benchmarks.md")
MARK = re.compile(r"(<!-- table (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def forecasts(path: Path) -> str:
    """One row per model and channel, the average last."""
    rows = [
        "| model | patients / values | a priori MdPE / MdAPE, % | next value MdPE / MdAPE, % "
        "| in the 90 % interval, % (95 %) | CRPS |",
        "|---|---|---|---|---|---|",
    ]
    for one in json.loads(path.read_text()):
        ends = one["coverage90_next_interval"]
        interval = "" if ends is None or None in ends else f" ({100 * ends[0]:.0f}-{100 * ends[1]:.0f})"
        name = one["model"] if one["channel"] == "level" else f"{one['model']}, {one['channel']}"
        rows.append(
            f"| {name} | {one['patients']} / {one['levels']} "
            f"| {_signed(one['mdpe_prior'])} / {100 * one['mdape_prior']:.1f} "
            f"| {_signed(one['mdpe_next'])} / {100 * one['mdape_next']:.1f} "
            f"| {100 * one['coverage90_next']:.1f}{interval} | {one['crps_next']:.3g} |"
        )
    return "\n".join(rows) + "\n"


def _signed(share: float) -> str:
    return f"{100 * share:+.1f}"


def speed(path: Path) -> str:
    """One row per job; the machine below."""
    found: list[dict[str, Any]] = json.loads(path.read_text())
    rows = ["| job | median, s | limit, s | memory, MB | peers |", "|---|---|---|---|---|"]
    for one in found:
        limit = "" if one["limit_s"] is None else f"{one['limit_s']:g}"
        missed = " (**not reached**)" if one["limit_s"] is not None and one["median_s"] > one["limit_s"] else ""
        rows.append(f"| {one['job']} | {one['median_s']:.3g}{missed} | {limit} | {one['peak_mb']} | {one['peers']} |")
    machines = "; ".join(dict.fromkeys(one["machine"] for one in found))
    return "\n".join(rows) + f"\n\nMedians of {found[0]['runs']} runs or fewer on {machines}.\n"


def filled(page: str) -> str:
    """The page with every table worked out anew."""

    def table(match: re.Match[str]) -> str:
        path = ROOT / match[2]
        text = speed(path) if path.parent.name == "bench" else forecasts(path)
        return f"{match[1]}{text}{match[3]}"

    return MARK.sub(table, page)


def main() -> int:
    """Write the pages; with --check only say whether they would change."""
    changed = []
    for name in PAGES:
        path = ROOT / name
        old = path.read_text()
        new = filled(old)
        if new != old:
            changed.append(name)
            if "--check" not in sys.argv:
                path.write_text(new)
    print("changed: " + (", ".join(changed) or "nothing"))
    return 1 if changed and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
