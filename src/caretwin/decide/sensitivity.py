"""What if the chart is wrong? The advice again, with the last sample or the last dose at another time or duration.

Charts round, and levels are drawn late: each slip below is taken for the truth, the draws are weighed anew by how well
they explain the record as it would then be, and the advised regimen is judged against all others. An advice that
survives every slip does not depend on the clock. Where too few draws explain the changed record, everything is learnt
again from it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from caretwin.base.random import raw_key
from caretwin.core.events import GivenDose, Sample
from caretwin.decide.curves import Course
from caretwin.decide.dosing import Advice
from caretwin.decide.members import Candidate, Member, learn, thinned
from caretwin.decide.outcomes import after_another_past
from caretwin.decide.ranking import Chances, Judged, courses_of, judge
from caretwin.decide.regimen import NOTHING, Regimen
from caretwin.decide.reweighing import log_likelihoods, reweighed
from caretwin.twin.dosing import DosingTwin

RIVALS = 24  # the best regimens, between which a slip could decide
INTEGRATED = (4, 128)  # rivals and draws for models without a closed form, which cost a hundred times as much
SAMPLE_SHIFTS = (-1.0, -0.5, 0.5, 1.0)  # h; assumption: how far a sample's time is usually wrong
DOSE_SHIFTS = (-1.0, 1.0)  # h
NOT_WORTH_A_CHANGE = 0.01  # utility; a rival that gains less than this is no reason to change


@dataclass(frozen=True)
class Slip:
    """A way in which the chart could be wrong.

    doses, samples   what would then be true, for the models of one structure of inputs
    """

    label: str
    doses: tuple[GivenDose, ...]
    samples: tuple[Sample, ...]


@dataclass(frozen=True)
class Consequence:
    """What a slip would mean for the advice.

    label     what is taken for the truth
    early, late   chances of the advised regimen, if so
    best      the regimen that would be advised instead, or the advised one
    loss      utility that the advised regimen gives away against ``best``
    trouble   why no model fits any more, if so; the numbers are then None
    """

    label: str
    early: Chances | None
    late: Chances | None
    best: Regimen | None
    loss: float
    trouble: str = ""

    def changes(self, advised: Regimen) -> bool:
        """Whether the advice would be another one."""
        return self.best != advised


def consequences(advice: Advice) -> tuple[Consequence, ...]:
    """The effect of every slip on the advice; empty when it abstains or nothing was given yet."""
    if advice.best is None:
        return ()
    closed = all(m.twin.model.linear_kinetics for m in advice.speaking)
    rivals = [*[j.regimen for j in advice.judged][: RIVALS if closed else INTEGRATED[0]], NOTHING]
    members = advice.speaking
    if not closed:
        members = tuple(replace(m, ensemble=thinned(m.ensemble, INTEGRATED[1])) for m in members)
    slips = [list(slips_of(m.twin, advice.question.now)) for m in members]
    known = log_likelihoods(members, [m.twin for m in members], advice.question.now)
    return tuple(_consequence(advice, members, known, rivals, list(same)) for same in zip(*slips, strict=True))


def slips_of(twin: DosingTwin, now: float) -> Iterator[Slip]:
    """Every slip that this record allows."""
    doses = tuple(sorted((d for d in twin.doses if d.time < now), key=lambda d: (d.time, d.order)))
    samples = tuple(sorted((s for s in twin.samples if s.time <= now), key=lambda s: s.time))
    if not doses:
        return
    later = tuple(d for d in twin.doses if d.time >= now)
    if samples:
        last = samples[-1]
        for shift in SAMPLE_SHIFTS:
            if last.time + shift > doses[0].time:
                moved = replace(last, time=last.time + shift)
                yield Slip(f"last level drawn {_hours(shift)} than written", twin.doses, (*samples[:-1], moved))
        yield Slip("last level left out", twin.doses, samples[:-1])
    for shift in DOSE_SHIFTS:
        moved_dose = replace(doses[-1], time=doses[-1].time + shift)
        yield Slip(f"last dose given {_hours(shift)} than written", (*doses[:-1], moved_dose, *later), samples)
    if doses[-1].duration > 0:
        longer = replace(doses[-1], duration=2 * doses[-1].duration)
        yield Slip("last infusion took twice as long", (*doses[:-1], longer, *later), samples)
    if len(doses) > 1:
        yield Slip("last dose was not given", (*doses[:-1], *later), samples)


def _hours(shift: float) -> str:
    return f"{abs(shift):g} h {'earlier' if shift < 0 else 'later'}"


def _consequence(
    advice: Advice, members: Sequence[Member], known: np.ndarray, rivals: list[Regimen], slips: list[Slip]
) -> Consequence:
    twins = [replace(m.twin, doses=s.doses, samples=s.samples) for m, s in zip(members, slips, strict=True)]
    changed = reweighed(members, known, twins, advice.question.now)
    courses = None if changed is None else _known(advice, changed, rivals)
    if changed is None:
        changed = _learnt_again(advice, members, twins)
    if not any(m.weight > 0 for m in changed):
        return Consequence(slips[0].label, None, None, None, 0.0, "no model fits the record any more")
    question = advice.question
    if courses is None:
        courses = courses_of(changed, rivals, advice.target, question.now, question.horizon)
    judged, _ = judge(changed, rivals, courses, advice.target, advice.mic, question.preferences)
    return _compared(slips[0].label, advice, [j for j in judged if j.regimen != NOTHING])


def _learnt_again(advice: Advice, members: Sequence[Member], twins: Sequence[DosingTwin]) -> list[Member]:
    # Models that do not fit keep their place with weight 0, so that the shapes stay those of the advice.
    candidates = [Candidate(t, m.label, m.prior_weight, ()) for t, m in zip(twins, members, strict=True)]
    key, particles = raw_key(advice.question.seed), len(members[0].ensemble.logw)
    return learn(candidates, key, advice.question.now, draws=advice.question.draws, particles=particles)


def _known(advice: Advice, changed: Sequence[Member], rivals: Sequence[Regimen]) -> Sequence[Sequence[Course]] | None:
    """The courses of the advice, as far as they hold: only what is in the body already differs, if anything."""
    courses = [[own[regimen] for regimen in rivals] for own in advice.courses]
    if any(len(m.ensemble.logw) != len(a.ensemble.logw) for m, a in zip(changed, advice.speaking, strict=True)):
        return None
    if all(m.twin.doses == a.twin.doses for m, a in zip(changed, advice.speaking, strict=True)):
        return courses
    thetas = [m.ensemble.theta for m in changed]
    return after_another_past([m.twin for m in changed], thetas, courses, advice.question.now)


def _compared(label: str, advice: Advice, judged: list[Judged]) -> Consequence:
    assert advice.best is not None
    advised = next(j for j in judged if j.regimen == advice.best.regimen)
    best = judged[0]
    loss = max(0.0, best.utility - advised.utility)
    better = best.allowed and (not advised.allowed or loss >= NOT_WORTH_A_CHANGE)
    chosen = best if better else advised
    return Consequence(label, advised.early, advised.late, chosen.regimen, loss if better else 0.0)
