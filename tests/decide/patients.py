"""Invented patients, and questions about them that are answered once and shared by the tests."""

from dataclasses import replace
from functools import cache

import jax

from caretwin.decide.dosing import Advice, Question, advise
from caretwin.decide.members import candidates, learn
from caretwin.decide.preferences import Preferences
from caretwin.decide.ranking import courses_of, judge
from caretwin.decide.regimen import practical_regimens
from caretwin.record.dosing import CovariateValue, Dose, DosingRecord, Level
from caretwin.twin.registry import family

GOTI = "vancomycin.goti2018"
COVARIATES = {"CRCL": 65.0, "WT": 70.0, "DIAL": 0.0, "AGE": 60.0, "CRRT": 0.0}
GIVEN = (Dose(0, 2000, "mg", 2.0), Dose(24.2, 1400, "mg", 2.0))
MEASURED = (Level(13, 12, "mg/L"), Level(47, 10.5, "mg/L"))


def person(covariates=None, doses=GIVEN, levels=MEASURED, **more) -> DosingRecord:
    """A record with covariates at hour 0 in the drug file's units; ``more`` replaces single ones."""
    values = (COVARIATES if covariates is None else covariates) | more
    known = tuple(CovariateValue(name, 0.0, float(value)) for name, value in values.items())
    return DosingRecord("invented", doses=tuple(doses), levels=tuple(levels), covariates=known)


@cache
def vancomycin(crcl=65.0, levels=MEASURED, doses=GIVEN, mic=None, seed=0, **more) -> Advice:
    """The advice for one patient under one model, at hour 48."""
    mics = None if mic is None else ((mic, 1.0),)
    question = Question("vancomycin", now=48.0, models=(GOTI,), mic=mics, seed=seed)
    return advise(question, person(levels=levels, doses=doses, CRCL=crcl, **more))


def changed(model: str, **fields):
    """A shipped drug model with some of its parts replaced, as a file of one's own would have."""
    return replace(family("pharmacology").load(model), **fields)


def judged(advice: Advice, dose: float, interval: float):
    """What the advice says about one regimen without a loading dose."""
    return next(
        j for j in advice.judged if (j.regimen.dose, j.regimen.interval, j.regimen.loading) == (dose, interval, None)
    )


def daily_doses(model: str, covariates, values, horizon: float, particles: int):
    """Single daily doses of a drug without a closed form, judged on few draws: the whole list would take a minute."""
    drug = changed(model, name=f"{model}.few")
    doses = replace(drug.practical.doses, values=tuple(values))
    daily = replace(drug.practical.intervals, values=(24.0,))
    few = replace(drug, practical=replace(drug.practical, doses=doses, intervals=daily, loading=None))
    allowed, _ = candidates(person(covariates, doses=(), levels=()), (), (few,), 0.0)
    members = learn(allowed, jax.random.key(0), 0.0, draws=2048, particles=particles)
    regimens = practical_regimens(few, None)
    courses = courses_of(members, regimens, few.targets[0], 0.0, horizon)
    found, _ = judge(members, regimens, courses, few.targets[0], None, Preferences())
    return {j.regimen.dose: j for j in found}
