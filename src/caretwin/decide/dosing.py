"""Which dose, of all that could be given, is most likely to work and least likely to harm this patient?

The posterior under every model that may speak for the patient, averaged by how well each foretold the levels; every
practical regimen simulated on the same draws; ranked by a stated utility under hard limits; and silence, with the
reason, when the answer would not be worth having.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from caretwin.base.errors import DataError
from caretwin.base.random import raw_key
from caretwin.base.units import convert
from caretwin.decide.curves import Course
from caretwin.decide.members import OUTSIDE_POPULATION, Candidate, Excluded, Member, candidates, learn
from caretwin.decide.next_sample import Sample, candidate_samples
from caretwin.decide.preferences import Mic
from caretwin.decide.question import DRAWS, HORIZON, Question
from caretwin.decide.ranking import Judged
from caretwin.decide.regimen import Regimen
from caretwin.decide.regimens_tried import integrated, regimen_now, try_regimens, was_given, worth_having
from caretwin.record.dosing import DosingRecord
from caretwin.twin.registry import family

__all__ = ["DRAWS", "HORIZON", "Advice", "Question", "advise", "choose_target", "of_one_effect", "regimen_now"]

LEAST_WEIGHT = 0.02  # models believed less than this are left out of the simulation (and still shown)
PARTICLES = 512  # per model, for the simulation of regimens; as many whoever else speaks
FEW_REASONS = 3  # models that are left out: the reasons of more than these would bury the sentence they stand in
LIKELY = 0.5  # chance below which the answer says that the target is more likely missed
INTEGRATED_PARTICLES = 256  # of each model without a closed form, which cost a hundred times as much


@dataclass(frozen=True)
class Advice:
    """The answer; ``abstained`` lists the reasons when there is none.

    mic        the MIC that the target was read at; None when it needs none
    members    every model that was fitted, with its weight; ``speaking`` those that were simulated
    excluded   models that may not speak, and why
    judged     all practical regimens, best first
    nothing    what happens if nothing more is given
    current    the regimen of the last two doses, judged in the same way; None when it cannot be read from the record
    samples    candidate times of the next sample, best first
    notes      assumptions and warnings that belong to the answer
    courses    what each of ``speaking`` expects of every regimen
    """

    question: Question
    record: DosingRecord
    target: Any
    members: tuple[Member, ...]
    speaking: tuple[Member, ...]
    excluded: tuple[Excluded, ...]
    judged: tuple[Judged, ...]
    samples: tuple[Sample, ...]
    abstained: tuple[str, ...]
    notes: tuple[str, ...]
    mic: Mic | None = None
    current: Judged | None = None
    nothing: Judged | None = None
    courses: tuple[dict[Regimen, Course], ...] = ()

    @property
    def best(self) -> Judged | None:
        """The regimen that is advised; None when abstaining."""
        return None if self.abstained or not self.judged else self.judged[0]


def advise(question: Question, record: DosingRecord) -> Advice:
    """Answer a dosing question for one patient.

    Raises DataError when no model of the drug exists, PlanError for a target that the drug does not have.

    Example: ``advise(Question("vancomycin", now=48.0), record).best.regimen``.
    """
    names = question.models or family("pharmacology").names(question.drug)
    if not names and not question.drug_files:
        raise DataError(
            f"dose of {question.drug}",
            seen="no model of this drug",
            wanted="one of " + ", ".join(family("pharmacology").drugs()),
            fix="correct the name of the drug, or give a drug file",
        )
    allowed, excluded = candidates(record, names, question.drug_files, question.now)
    allowed, other_effects = of_one_effect(allowed)
    excluded += other_effects
    reasons = _data_reasons(record)
    if not allowed:
        reasons.append("no model may speak for this patient: " + _why(excluded))
        return _silent(question, record, (), excluded, reasons)
    key = raw_key(question.seed)
    particles = INTEGRATED_PARTICLES if any(integrated(c.twin) for c in allowed) else PARTICLES
    members = learn(allowed, key, question.now, draws=question.draws, particles=particles)
    speaking = _speaking(members)
    if not speaking:
        reasons.append("no model fits this patient: " + "; ".join(f"{m.label}: {m.trouble}" for m in members))
        return _silent(question, record, members, excluded, reasons)
    return _decide(question, record, members, speaking, excluded, reasons)


def of_one_effect(allowed: list[Candidate]) -> tuple[list[Candidate], list[Excluded]]:
    """Only models that predict what the first one predicts: an INR cannot be averaged with a clotting activity."""

    def effect(candidate: Candidate) -> str | None:
        channel = candidate.twin.drug.channels.get("effect")
        return None if channel is None else str(channel.description)

    wanted = next((effect(c) for c in allowed if effect(c) is not None), None)
    same = [c for c in allowed if effect(c) in (None, wanted)]
    others = dict.fromkeys((c.twin.drug.name, effect(c)) for c in allowed if effect(c) not in (None, wanted))
    reason = "predicts {}, and this answer is about {}: ask it alone"
    return same, [Excluded(name, reason.format(what, wanted)) for name, what in others]


def _decide(
    question: Question,
    record: DosingRecord,
    members: Sequence[Member],
    speaking: Sequence[Member],
    excluded: Sequence[Excluded],
    reasons: list[str],
) -> Advice:
    drug = max(speaking, key=lambda m: m.weight).twin.drug
    target = choose_target(drug, question.target)
    mic, notes = _mic(question, drug, target)
    tried, notes_of_regimens = try_regimens(question, record, speaking, drug, target, mic)
    notes += notes_of_regimens
    judged, current, nothing, courses, weights = tried
    notes += _unavoidable(nothing)
    doubts, cautions = _doubts(judged, target, drug, was_given(speaking, question.now))
    reasons += doubts
    notes += cautions
    samples: list[Sample] = []
    if judged:
        best, effect = judged[0].regimen, target.kind == "effect"
        samples = candidate_samples(speaking, judged, weights, question.now, best, effect)
    notes += [f"{m.label}: {warning}" for m in speaking for warning in m.warnings]
    if any(m.domain_factor < 1 for m in speaking):
        text = f"a model made for other patients counts {OUTSIDE_POPULATION:g} times as much before levels are seen"
        notes.append(f"{text}, an assumption")
    notes += [f"{m.twin.drug.name}: {text}" for m in speaking for text in m.twin.drug.assumptions]
    return Advice(
        question,
        record,
        target,
        tuple(members),
        tuple(speaking),
        tuple(excluded),
        tuple(judged),
        tuple(samples),
        tuple(reasons),
        tuple(dict.fromkeys(notes)),
        mic,
        current,
        nothing,
        courses,
    )


def _doubts(judged: Sequence[Judged], target: Any, drug: Any, was_paused: bool) -> tuple[list[str], list[str]]:
    """Why the best regimen is not advised, if so, and what to know where it is."""
    if not judged:
        return [f"{drug.name} lists no practical doses"], []
    best = judged[0]
    chance = f"{100 * best.late.target:.0f} %"
    if not best.allowed:
        broken = [r for r in best.risks if r.broken]
        worst = "; ".join(f"{r.label}: {100 * r.probability:.0f} %, allowed {100 * r.allowed:.0f} %" for r in broken)
        paused = ", after a pause too" if was_paused else ""
        return [f"every practical regimen breaks a hard limit{paused}; the least bad one: {worst}"], []
    unlikely = "no practical regimen that the limits allow is likely to reach the target"
    if not worth_having(judged):
        return [f"{unlikely}: the best has a chance of {chance} in the end"], []
    if best.late.target >= LIKELY:
        return [], []
    largest = max(j.regimen.dose for j in judged)
    if target.high is None and best.regimen.dose == largest:
        dose = f"the largest dose of the drug file, {largest:g} {drug.dose.unit}"
        return [f"{unlikely}: {dose}, has a chance of {chance}"], []
    return [], [f"the target is more likely missed than reached, even by the best regimen ({chance}): measure early"]


def _unavoidable(nothing: Judged | None) -> list[str]:
    found = [] if nothing is None else [r for r in nothing.risks if r.unavoidable > r.allowed]
    return [
        f"{r.label}: {100 * r.unavoidable:.0f} % likely in the first days even if nothing more is given; only what a "
        "regimen adds to that counts against it"
        for r in found
    ]


def _silent(
    question: Question,
    record: DosingRecord,
    members: Sequence[Member],
    excluded: Sequence[Excluded],
    reasons: list[str],
) -> Advice:
    return Advice(question, record, None, tuple(members), (), tuple(excluded), (), (), tuple(reasons), ())


def _data_reasons(record: DosingRecord) -> list[str]:
    return [f"the record contradicts itself: {finding}" for finding in record.errors]


def _why(excluded: Sequence[Excluded]) -> str:
    if len(excluded) > FEW_REASONS:  # each stands with its model below
        return f"{len(excluded)} were considered, and each says below why it was not asked"
    return "; ".join(f"{e.model}: {e.reason}" for e in excluded) or "none was found"


def _speaking(members: Sequence[Member]) -> list[Member]:
    """Those believed enough to simulate, with their weights made to sum to one again."""
    chosen = [m for m in members if m.weight >= LEAST_WEIGHT]
    total = sum(m.weight for m in chosen)
    return [replace(m, weight=m.weight / total) for m in chosen]


def choose_target(drug: Any, wanted: str | None) -> Any:
    """The drug's target of that kind or label; its default (else its first) when none is asked for.

    Raises PlanError when the drug file has no such target.
    """
    from caretwin.base.errors import PlanError

    if wanted is None and drug.targets:
        return next((t for t in drug.targets if t.default), drug.targets[0])
    for target in drug.targets:
        if wanted in (target.kind, target.label):
            return target
    raise PlanError(
        f"target of {drug.name}",
        seen=repr(wanted) if wanted else "a drug file without targets",
        wanted="one of " + ", ".join(f"{t.kind} ({t.label})" for t in drug.targets) if drug.targets else "a target",
        fix="choose one of them, or add the target with its source to the drug file",
    )


def _mic(question: Question, drug: Any, target: Any) -> tuple[Mic | None, list[str]]:
    if question.mic is not None:
        level = f"{drug.dose.unit}/L"
        values = tuple(convert(v, question.mic_unit, level, substance=drug.drug) for v, _ in question.mic)
        return Mic(values, tuple(p for _, p in question.mic)), []
    if target.kind == "auc24_over_mic":
        note = "no MIC was given: the target is read at the guideline's convention of 1 mg/L, an assumption"
        return Mic((convert(1.0, "mg/L", f"{drug.dose.unit}/L", substance=drug.drug),), (1.0,)), [note]
    return None, []
