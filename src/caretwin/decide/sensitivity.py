"""What if the chart is wrong? The advice again, with the last sample or the last dose at another time or duration.

Charts round, and levels are drawn late: each slip below is taken for the truth, everything is learnt again from it, and
the advised regimen is judged against its best rivals. An advice that survives all of them does not depend on the clock.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import jax

from caretwin.core.events import GivenDose, Sample
from caretwin.decide.dosing import Advice
from caretwin.decide.members import Candidate, learn
from caretwin.decide.ranking import Chances, Judged, judge
from caretwin.decide.regimen import Regimen
from caretwin.twin.dosing import DosingTwin

RIVALS = 12  # the best regimens, between which a slip could decide ...
SCHEDULES = 3  # ... on so many schedules: doses in between cost nothing, another schedule is another simulation
DRAWS_OF_EACH = 256  # per model
INTEGRATED = (4, 128)  # rivals and draws for models without a closed form
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
    """The effect of every slip on the advice; empty when it abstains or nothing was given yet.

    Each slip goes through the programs that the advice itself used: the shapes are the same.
    """
    if advice.best is None:
        return ()
    rivals = _rivals(advice)
    twins = [m.twin for m in advice.speaking]
    slips = [list(slips_of(twin, advice.question.now)) for twin in twins]
    return tuple(_consequence(advice, rivals, list(same)) for same in zip(*slips, strict=True))


def _closed(advice: Advice) -> bool:
    return all(m.twin.model.closed_form for m in advice.speaking)


def _rivals(advice: Advice) -> list[Regimen]:
    schedules: list[tuple[float, float, float | None]] = []
    most = RIVALS if _closed(advice) else INTEGRATED[0]
    found = []
    for regimen in (j.regimen for j in advice.judged if j.allowed):
        schedule = (regimen.interval, regimen.duration, None if regimen.loading is None else regimen.loading_duration)
        if schedule not in schedules and len(schedules) < SCHEDULES:
            schedules.append(schedule)
        if schedule in schedules and len(found) < most:
            found.append(regimen)
    return found


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


def _consequence(advice: Advice, rivals: list[Regimen], slips: list[Slip]) -> Consequence:
    question = advice.question
    twins = [replace(m.twin, doses=s.doses, samples=s.samples) for m, s in zip(advice.speaking, slips, strict=True)]
    candidates = [Candidate(t, m.label, m.prior_weight, ()) for t, m in zip(twins, advice.speaking, strict=True)]
    key = jax.random.key(question.seed)
    particles = DRAWS_OF_EACH if _closed(advice) else INTEGRATED[1]
    members = learn(candidates, key, question.now, draws=question.draws, particles=particles)
    fitting = [m for m in members if m.weight > 0]
    if not fitting:
        trouble = "no model fits the record any more"
        return Consequence(slips[0].label, None, None, None, 0.0, trouble)
    # Models that do not fit keep their place with weight 0, so that the shapes stay those of the advice.
    judged, _ = judge(members, rivals, advice.target, advice.mic, question.now, question.horizon, question.preferences)
    return _compared(slips[0].label, advice, judged)


def _compared(label: str, advice: Advice, judged: list[Judged]) -> Consequence:
    assert advice.best is not None
    advised = next(j for j in judged if j.regimen == advice.best.regimen)
    best = judged[0]
    loss = max(0.0, best.utility - advised.utility)
    better = best.allowed and (not advised.allowed or loss >= NOT_WORTH_A_CHANGE)
    chosen = best if better else advised
    return Consequence(label, advised.early, advised.late, chosen.regimen, loss if better else 0.0)
