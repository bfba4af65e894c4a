"""One invented patient on vancomycin, whose regimens are judged."""

from collections.abc import Callable
from typing import Any

import jax

from caretwin.decide.dosing import choose_target
from caretwin.decide.members import candidates, learn
from caretwin.decide.preferences import Mic, Preferences
from caretwin.decide.ranking import courses_of, judge
from caretwin.decide.regimen import practical_regimens
from caretwin.record.dosing import CovariateValue, Dose, DosingRecord, Level

COVARIATES = {"CRCL": (65.0, "mL/min"), "WT": (70.0, "kg"), "DIAL": (0.0, "1"), "CRRT": (0.0, "1"), "AGE": (60.0, "a")}


def record() -> DosingRecord:
    """Two infusions, two levels."""
    return DosingRecord(
        "invented",
        doses=(Dose(0.0, 2000.0, "mg", 2.0), Dose(24.2, 1400.0, "mg", 2.0)),
        levels=(Level(13.0, 12.0, "mg/L"), Level(47.0, 10.5, "mg/L")),
        covariates=tuple(CovariateValue(name, 0.0, value, unit) for name, (value, unit) in COVARIATES.items()),
    )


def question(particles: int, regimens: int) -> tuple[Callable[[], Any], int]:
    """What judges the first ``regimens`` practical regimens over 7 days on ``particles`` draws, and their number."""
    allowed, _ = candidates(record(), ["vancomycin.goti2018"], [], 48.0)
    members = learn(allowed, jax.random.key(0), 48.0, draws=4 * particles, particles=particles)
    drug = members[0].twin.drug
    choices = practical_regimens(drug, 70.0, every_duration=True)[:regimens]
    mic = Mic((1.0,), (1.0,))
    target = choose_target(drug, "auc24_over_mic")

    def judged() -> list[float]:
        courses = courses_of(members, choices, target, 48.0, 168.0)
        return [one.late.target for one in judge(members, choices, courses, target, mic, Preferences())[0]]

    return judged, len(choices)
