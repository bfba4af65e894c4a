"""Score the forecasts of the glucose twin on the stays, each with the population fitted without its patient's fold.

python evidence/physiology/glucose/score.py --clif CLIF --meds MEDS --population FILE --out results.json
"""

import argparse
import json
from pathlib import Path

from fit import FOLDS, fold_of
from stays import stays

from caretwin.models.physiology.glucose import FITTED, Glucose, Population
from caretwin.models.physiology.insulin_sensitivity import Wandering
from caretwin.review.glucose_forecasts import fit_rival, scores, targets


def population(content: dict, fold: str) -> Population:
    """The population of a fold of ``population.json``."""
    v = content["folds"][fold]["values"]
    s, a = (Wandering(*(v[f"{q} {name}"] for name in ("centre", "between", "within", "hours"))) for q in ("SI", "A"))
    return FITTED._replace(sensitivity=s, uncharted=a, first=tuple(content["first_glucose"]))


def scored(clif: Path, meds: Path | None, content: dict) -> dict:
    """Scores over all stays, subject-wise folds."""
    found = stays(clif, meds)
    by_fold = {}
    for fold in range(FOLDS):
        model = Glucose.of(population(content, f"without {fold}"))
        chosen = [s for s in found.values() if fold_of(s.patient) == fold]
        by_fold[fold] = [t for s in chosen for t in targets(model, s.patient, s.record)]
        print(fold, len(by_fold[fold]), flush=True)
    rivals, everything = {"random walk": [], "AR(1)": []}, []
    for fold, tested in by_fold.items():
        training = [t for other, ts in by_fold.items() if other != fold for t in ts]
        for name, returns in (("random walk", False), ("AR(1)", True)):
            rival = fit_rival(training, returns=returns)
            rivals[name] += [rival.draws(t.previous, t.hours) for t in tested]
        everything += tested
    return scores(everything, rivals)


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("--clif", "--meds", "--population", "--out"):
        parser.add_argument(name, type=Path, required=True)
    options = parser.parse_args()
    content = json.loads(options.population.read_text())
    results = {
        "clif": scored(options.clif, None, content),
        "clif and meters": scored(options.clif, options.meds, content),
    }
    options.out.write_text(json.dumps(results, indent=1) + "\n")
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
