"""The virtual trial on two cohorts of ours.

    python evidence/physiology/glucose/trial.py --out trial.json [--patients 50] [--hours 72]

as fitted   sensitivity wanders as it was fitted to stays whose feeds nobody charted: part of it is meals, so these
            patients are harder than real ones with a charted feed
steady      assumed: a median of 3e-4 L/mU/min (within the 1e-4 to 1e-3 reported for ICING), spread 0.5 between patients
            and 0.4 within, a day to return: 11 % from hour to hour
"""

import argparse
import json
from pathlib import Path

from caretwin.decide.glucose_question import Limits
from caretwin.models.physiology.glucose import FITTED, Glucose
from caretwin.models.physiology.insulin_sensitivity import Wandering
from caretwin.review.glucose_trial import Cohort, glucose_trial

COHORTS = {
    "as fitted": FITTED,
    "steady": FITTED._replace(sensitivity=Wandering(centre=3e-4, between=0.5, within=0.4, hours=24.0)),
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--patients", type=int, default=50)
    parser.add_argument("--hours", type=int, default=72)
    options = parser.parse_args()
    cohort = Cohort(patients=options.patients, hours=options.hours)
    results = {}
    for name, population in COHORTS.items():
        found = glucose_trial(cohort, Limits(), Glucose.of(population))
        results[name] = found | {"sensitivity": population.sensitivity._asdict()}
        options.out.write_text(json.dumps(results, indent=1) + "\n")
        print(name, json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
