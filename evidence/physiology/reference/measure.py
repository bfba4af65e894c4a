"""Writes README.md, results.json and the drawings beside this file from the folder of reference figures.

python evidence/physiology/reference/measure.py --reference DIR
"""

import argparse
import json
import time
from pathlib import Path

import caretwin.core  # noqa: F401  double precision
from caretwin.review.physiology_evidence_report import all_sections, as_json, as_markdown, drawings

HERE = Path(__file__).parent
HEAD = """# The coupled model against measurements

Lung, gases, circulation, reflexes, drugs, fluids and the drive to breathe, held against published measurements, next to
what two other programs gave for the same question where that was measured: Pulse 4.2.0 and 4.2.1 (2024), AnaSim 1.7.
Written by

    python evidence/physiology/reference/measure.py --reference DIR

DIR holds the reference figures (`pulse/`, `biogears/`, `bloodgas/`, `pulse_engine_outputs/`, `anasim_outputs.csv`).
Every figure of ours is a scenario run by the same code as `caretwin simulate`, in double precision, with no noise.

**{inside} of {judged} figures lie inside their measured range.** Those that do not are marked **no** and stay here.

What this is and is not: the typical patients' parameters, and some constants of the model that no source gives, were
chosen so that these tables hold (each constant says so where it stands). The ranges are therefore met by calibration;
what was not fitted is the structure that meets them together, and most of the transients. Real patients are in the
other folders of `evidence/physiology`.

![Haemorrhage](haemorrhage.svg)

![PEEP in health](peep.svg)

![Ventilatory responses](ventilation.svg)

## What is not met, and why

{misses}

"""
WHY = {
    "sudden_loss": "Guyton's curve at a tenth lost (output 97 %) and Hosomi's (80-85 %) contradict each other; the "
    "model lies between them, nearer to Guyton: its venous reflex has one time constant of 8 s.",
    "phenylephrine": "One equivalence to norepinephrine (0.07) for all doses: a little too much pressure at the lowest "
    "and the highest.",
    "preload": "Over-distension in the model sends too little blood to collapsed lung, so that shunt rarely fails to "
    "fall with PEEP.",
}


def misses(sections) -> str:
    lines = []
    for section in sections:
        out = [line.what for line in section.lines if line.inside is False]
        if out:
            lines.append(f"- {section.title}: {'; '.join(out)}. {WHY.get(section.name, '')}".rstrip())
    return "\n".join(lines) or "- nothing"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--reference", type=Path, required=True)
    reference = parser.parse_args().reference
    started = time.time()
    sections = all_sections(reference)
    results = as_json(sections)
    (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    for name, text in drawings(sections).items():
        (HERE / name).write_text(text, encoding="utf-8")
    head = HEAD.format(inside=results["inside"], judged=results["with_a_range"], misses=misses(sections))
    (HERE / "README.md").write_text(head + as_markdown(sections), encoding="utf-8")
    print(f"{results['inside']} of {results['with_a_range']} inside; {time.time() - started:.0f} s")


if __name__ == "__main__":
    main()
