"""Patients whose truth is known: drawn from a drug model, so that its forecasts must be calibrated."""

from dataclasses import replace

import numpy as np

from caretwin.record.dosing import CovariateValue, Dose, DosingRecord, Level

LEVEL_TIMES = (2.0, 11.0, 23.5, 35.0)
DOSES = tuple(Dose(12.0 * k, 20.0, "mg", 0.5, "central") for k in range(4))


def level_of(dose: Dose, time: float, cl: float, v: float) -> float:
    """One compartment, one infusion, in closed form (mg/L)."""
    if time <= dose.time_h:
        return 0.0
    k, rate = cl / v, dose.amount / dose.duration_h
    running = min(time - dose.time_h, dose.duration_h)
    return rate / cl * (1 - np.exp(-k * running)) * np.exp(-k * (time - dose.time_h - running))


def patients(count, seed, drug, *, clearance=1.0, noise=1.0):
    """Records drawn from the model's own equations: etas from its prior, levels with its own residual error.

    ``clearance`` multiplies every clearance and ``noise`` every measurement error: 1 is the model itself.
    """
    luck = np.random.default_rng(seed)
    error = drug.errors["level"]
    found = []
    for i in range(count):
        weight = luck.uniform(1.0, 3.0)
        covariates = (CovariateValue("WT", 0.0, weight, "kg"), CovariateValue("APGAR", 0.0, 8.0, "1"))
        cl, v = drug.typical({"WT": weight, "APGAR": 8.0})[0] * np.exp(
            luck.multivariate_normal(np.zeros(2), drug.omega)
        )
        levels = []
        for time in LEVEL_TIMES:
            f = sum(level_of(dose, time, cl * clearance, v) for dose in DOSES)
            sd = noise * np.hypot(error.additive, error.proportional * f)
            levels.append(Level(time, float(f + sd * luck.standard_normal()), "mg/L"))
        found.append(DosingRecord(f"{i}", DOSES, tuple(levels), covariates))
    return found


def with_level(record, place, **changes):
    """The record with one level changed."""
    levels = list(record.levels)
    levels[place] = replace(levels[place], **changes)
    return replace(record, levels=tuple(levels))
