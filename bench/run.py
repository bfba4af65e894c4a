"""Runs every speed job and writes bench/results.json: job, median_s, runs, peak_mb, machine, limit and peers.

Run: make bench
"""

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RUNS = 7


def machine() -> str:
    """Processor, cores, Python and JAX of this machine."""
    import jax

    named = (line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name"))
    model = next(named, platform.machine())
    cores = len(os.sched_getaffinity(0))
    software = f"Python {platform.python_version()}, JAX {jax.__version__} ({jax.default_backend()})"
    return f"{model}, {cores} cores, {software}"


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def timed(job: Callable[[], Any], runs: int = RUNS) -> list[float]:
    """Seconds of each of ``runs`` runs after two that are not counted."""
    import jax

    jax.block_until_ready(job())
    jax.block_until_ready(job())
    found = []
    for _ in range(runs):
        begin = time.perf_counter()
        jax.block_until_ready(job())
        found.append(time.perf_counter() - begin)
    return found


def fit_thousand() -> list[float]:
    """MAP and 1,000 posterior draws of 1,000 patients."""
    import jax

    from bench.cohort import model, patients
    from caretwin.core.fit import fit_many

    histories, models, key = patients(1000, seed=1), [model()] * 1000, jax.random.key(0)
    return timed(lambda: fit_many(models, key, histories, subjects=list(range(1000)), draws=1000))


def modes_five_hundred() -> list[float]:
    """MAP alone of 500 patients."""
    from bench.cohort import model, patients
    from caretwin.core.fit import find_modes

    histories, models = patients(500, seed=2), [model()] * 500
    return timed(lambda: find_modes(models, histories))


def simulate_ten_thousand() -> list[float]:
    """10,000 patients, 10 infusions, 241 times."""
    import jax
    import numpy as np

    from bench.cohort import SPREAD, history, model
    from caretwin.core.simulate import run

    one = history(np.linspace(0.0, 120.0, 241), np.arange(10) * 12.0, 1000.0, 1.0)
    theta = np.random.default_rng(3).standard_normal((10_000, 4)) * SPREAD
    many = jax.jit(jax.vmap(lambda t: run(model(), t, one).predicted[:, 0]))
    return timed(lambda: many(theta))


def curves_ten_thousand() -> list[float]:
    """10,000 posterior curves of 72 h at 10 points an hour, one patient."""
    import jax
    import numpy as np

    from bench.cohort import SPREAD, history, model
    from caretwin.core.simulate import run

    one = history(np.linspace(0.0, 72.0, 721), np.array([0.0, 24.0, 48.0]), 400.0, 1.0)
    theta = np.random.default_rng(4).standard_normal((10_000, 4)) * SPREAD
    many = jax.jit(jax.vmap(lambda t: run(model(), t, one).predicted[:, 0]))
    return timed(lambda: many(theta))


def two_hundred_regimens() -> list[float]:
    """200 regimens on 1,000 draws over 7 days: P(target) of each."""
    from bench.patient import question

    judge, count = question(particles=1000, regimens=200)
    assert count == 200, count
    return timed(judge)


def ward_by_a_minute() -> list[float]:
    """1,000 patients x 512 particles advanced and updated by one minute."""
    from bench.bedside import ward

    return timed(ward(), runs=5)


def an_hour_ahead() -> list[float]:
    """One patient, 500 particles, one hour ahead."""
    from bench.bedside import one_hour

    return timed(one_hour())


def map_of_settings() -> list[float]:
    """200 settings x 500 particles x 30 min."""
    from bench.bedside import ventilator_map

    return timed(ventilator_map())


def dose_command() -> list[float]:
    """``caretwin dose`` in a new process; the first run, which makes the compiled programs, is not counted."""
    example = HERE.parent / "examples" / "vancomycin_intensive_care.csv"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "caretwin", "dose", str(example), "--drug", "vancomycin"]
        command += ["--json", f"{folder}/answer.json", "--html", f"{folder}/report.html"]
        run = partial(subprocess.run, command, check=True, capture_output=True)
        run()
        found = []
        for _ in range(5):
            begin = time.perf_counter()
            run()
            found.append(time.perf_counter() - begin)
    return found


def by_fhir() -> list[float]:
    """5,000 observations in Bundles of 100 over HTTP, committed and acknowledged."""
    from bench.doors_fhir import observations_per_second

    return [5000.0 / observations_per_second() for _ in range(3)]


def by_mllp() -> list[float]:
    """500 observations in HL7 v2 messages of 1 to 10 over one MLLP connection, committed and acknowledged."""
    from bench.doors_hl7v2 import observations_per_second

    return [500.0 / observations_per_second() for _ in range(3)]


def by_mqtt() -> list[float]:
    """3,000 MQTT messages through mosquitto, committed and acknowledged."""
    from bench.doors_mqtt import messages_a_second

    return [3000.0 / messages_a_second() for _ in range(3)]


def latest_of_ten_million() -> list[float]:
    """99th percentile of the latest values of one of 500 patients, 10 M observations in the record."""
    from bench.record import asked, kept, percentile

    with kept() as record:
        job = asked(record)["latest"]
        return [percentile(job, 500) for _ in range(3)]


def day_of_ten_million() -> list[float]:
    """99th percentile of all of one patient's 20,000 observations of a day, 10 M in the record."""
    from bench.record import asked, kept, percentile

    with kept() as record:
        job = asked(record)["day"]
        return [percentile(job, 200) for _ in range(3)]


def receipt_to_twin() -> list[float]:
    """99th percentile from receipt to twin, ward of 200, a message of 8 values from each every 5 s."""
    from bench.live import receipt_to_twin as job

    return job()


def late_datum() -> list[float]:
    """A laboratory value that is six hours late, replayed in a ward of 200 that goes on living."""
    from bench.live import late_datum as job

    return job()[0]


def late_for_others() -> list[float]:
    """99th percentile from receipt to twin of everybody else while one replays six hours."""
    from bench.live import late_datum as job

    return job()[1]


def restart_of_a_ward() -> list[float]:
    """200 twins up to date again after a restart, from checkpoints."""
    from bench.live import restart

    return restart()


JOBS: dict[str, tuple[Callable[[], list[float]], float | None, str]] = {
    "MAP + 1,000 draws, 1,000 subjects, 2 compartments, 1-4 levels": (
        fit_thousand, 1.5, "Tucuxi 10 ms CPU each, mapbayr 55 ms each, MAP alone"),
    "MAP, 500 subjects, 2 compartments, 1-4 levels": (modes_five_hundred, None, "Tucuxi 10 ms CPU each"),
    "10,000 subjects x 10 infusions x 241 times, 2 compartments": (
        simulate_ten_thousand, 0.25, "mrgsolve 0.76 s closed form, 1.50 s ODE"),
    "10,000 draws x 721 times, 2 compartments": (curves_ten_thousand, None, "Tucuxi 3.0-3.1 s"),
    "200 regimens x 1,000 particles x 7 days, P(target) of each": (
        two_hundred_regimens, 0.1, "Tucuxi 10,000 Monte Carlo curves 3.1 s"),
    "ward of 1,000 patients x 512 particles, one minute, single precision": (
        ward_by_a_minute, 1.0, "one unfitted patient, in real time: Pulse 19 x, AnaSim 52 x; must hold 2,000 MB"),
    "one patient x 500 particles, one hour ahead": (an_hour_ahead, 0.1, "Pulse 190 s for one run"),
    "ventilator map, 200 settings x 500 particles x 30 min": (map_of_settings, 1.5, ""),
    "caretwin dose, cold process, cache present": (dose_command, 5.0, ""),
    "5,000 observations by FHIR, Bundles of 100, committed and acknowledged": (by_fhir, 1.0, ""),
    "500 observations by HL7 v2, one MLLP connection, committed and acknowledged": (by_mllp, 1.0, ""),
    "3,000 messages by MQTT through mosquitto, committed and acknowledged": (by_mqtt, 1.0, ""),
    "10 M observations in the record: latest values of a patient, 99th percentile": (
        latest_of_ten_million, 0.005, ""),
    "10 M observations in the record: a day of one patient, 20,000 values, 99th percentile": (
        day_of_ten_million, 0.05, ""),
    "ward of 200: receipt to twin, 8 values of each every 5 s, 99th percentile": (receipt_to_twin, 1.0, ""),
    "ward of 200: a value that is 6 h late, replayed": (late_datum, 2.0, ""),
    "ward of 200: receipt to twin of the others meanwhile, 99th percentile": (late_for_others, 1.0, ""),
    "restart with 200 twins from checkpoints, programs kept": (restart_of_a_ward, 15.0, ""),
}  # fmt: skip
WITHOUT_PROGRAMS = (
    by_fhir, by_mllp, by_mqtt, latest_of_ten_million, day_of_ten_million, late_datum, late_for_others,
    restart_of_a_ward,
)  # fmt: skip
"""Jobs that compile nothing, or nothing that the one before them did not."""


def one(name: str) -> dict[str, Any]:
    """One job in this process, as a row of the results."""
    job, limit, peers = JOBS[name]
    seconds = job()
    who = resource.RUSAGE_CHILDREN if job is dose_command else resource.RUSAGE_SELF
    return {
        "job": name,
        "median_s": round(statistics.median(seconds), 4),
        "min_s": round(min(seconds), 4),
        "max_s": round(max(seconds), 4),
        "runs": len(seconds),
        "peak_mb": round(resource.getrusage(who).ru_maxrss / 1024),
        "limit_s": limit,
        "peers": peers,
        "machine": machine(),
    }


def main() -> None:
    """Every job in a process of its own, so that memory is its own, with the programs kept; then the table."""
    if len(sys.argv) > 1:
        print(json.dumps(one(sys.argv[1])))
        return
    rows = []
    for name in JOBS:
        command = [sys.executable, "-m", "bench.run", name]
        if JOBS[name][0] not in WITHOUT_PROGRAMS:
            subprocess.run(command, check=True, capture_output=True)  # compiles what is not kept yet; not counted
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        rows.append(json.loads(done.stdout.splitlines()[-1]))
        row = rows[-1]
        limit = "" if row["limit_s"] is None else f"  limit {row['limit_s']:g} s"
        print(f"{row['median_s']:8.3f} s  {row['peak_mb']:5d} MB  {name}{limit}", flush=True)
    (HERE / "results.json").write_text(json.dumps(rows, indent=1) + "\n")
    print(f"{rows[0]['machine']}; written to bench/results.json")


if __name__ == "__main__":
    main()
