"""Fit the population of the glucose twin to the stays, once to all of them and once without each half of the patients.

python evidence/physiology/glucose/fit.py --clif CLIF --meds MEDS.parquet --out population.json
"""

import argparse
import hashlib
import json
from pathlib import Path

import jax
import numpy as np
from stays import FIRST_H, LAST_H, LEAST, stays

from caretwin.models.physiology.glucose import FITTED, Glucose
from caretwin.review.glucose_population import COARSE_STEP, PRIOR, fit_population
from caretwin.twin.glucose import measured, series

FOLDS = 2
SEED = 0
PARTICLES = 256
EVALUATIONS = {"all": 130, "without 0": 90, "without 1": 90}  # populations tried; a fold has half the stays


def fold_of(patient: str) -> int:
    """The fold that a patient's stays are left out of: by the patient, never by the stay."""
    return int(hashlib.sha256(patient.encode()).hexdigest(), 16) % FOLDS


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("--clif", "--meds", "--out"):
        parser.add_argument(name, type=Path, required=True)
    options = parser.parse_args()
    found = stays(options.clif, options.meds)
    enough = {k: s for k, s in found.items() if len(measured(s.record)[0]) >= LEAST}
    first = [measured(s.record)[1][0] for s in found.values() if len(measured(s.record)[0])]
    start = FITTED._replace(first=(float(np.median(first)), float(np.std(np.log(first)))))
    model = Glucose.of(start)
    rows = {k: series(s.record, float(measured(s.record)[0][-1])) for k, s in enough.items()}
    content = {
        "method": "Nelder-Mead on the log evidence of bootstrap filters: caretwin.review.glucose_population",
        "prior_log_mean_sd": {name: list(map(float, pair)) for name, pair in PRIOR.items()},
        "particles": PARTICLES, "seed": SEED, "step_minutes": COARSE_STEP, "window_h": [FIRST_H, LAST_H],
        "patients": len({s.patient for s in enough.values()}), "stays": len(enough),
        "values": int(sum(r.values for r in rows.values())),
        "first_glucose": start.first, "errors": start.errors, "folds": {},
    }  # fmt: skip
    if options.out.exists():  # what was fitted before is kept: a fold takes minutes
        content["folds"] = json.loads(options.out.read_text())["folds"]
    for fold in (None, *range(FOLDS)):
        name = "all" if fold is None else f"without {fold}"
        if name in content["folds"]:
            continue
        kept = [rows[k].history for k, s in enough.items() if fold is None or fold_of(s.patient) != fold]
        fit = fit_population(model, kept, jax.random.key(SEED), particles=PARTICLES, evaluations=EVALUATIONS[name])
        content["folds"][name] = fit._asdict() | {"stays": len(kept)}
        options.out.write_text(json.dumps(content, indent=1) + "\n")
        print(fold, fit, flush=True)


if __name__ == "__main__":
    main()
