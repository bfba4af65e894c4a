"""Mechanics of one real breath: its inspiration cut out of the waveform, compliance and resistance by least squares.

    Paw = P0 + V/C + R flow        V  inspired volume [L], P0 the pressure at its beginning [cmH2O]

the equation of motion without effort, over the inspiration from START_AFTER s after flow begins until flow ends. P0 is
fitted along ("fitted": it then holds an intrinsic PEEP, and whatever of an effort or of a bent curve is constant), or
taken from the first sample ("measured"). A poor or absurd fit (effort, asynchrony, cough, disconnection) is refused.
A linear fit cannot tell an effort from a softer lung: in assisted breaths the compliance is an upper bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from jaxtyping import Float

from caretwin.record.ventilator_waveform import WaveformBreath

Intercept = Literal["fitted", "measured"]

START_AFTER = 0.1  # s: the trigger and the ventilator's rise of pressure; assumed
FLOWING = 2.0 / 60.0  # L/s: flow below it is none; flow in the holds of a PB-840 stays within 0.5/60
HOLD_AFTER, SHORTEST_HOLD = 0.1, 0.3  # s: settling after the flow has stopped, and rest that makes a plateau; assumed
POOREST_FIT = 0.75  # cmH2O, root mean square of the residuals; assumed
COMPLIANCES = (0.005, 0.25)  # L/cmH2O; assumed
RESISTANCES = (0.0, 60.0)  # cmH2O s/L; assumed
LEAST_VOLUME = 0.1  # L: less is a part of a breath; assumed


@dataclass(frozen=True)
class Inspiration:
    """What one breath shows: n samples from the start of its flow to its end.

    seconds, volume [L], flow [L/s], pressure [cmH2O]   each [n]
    start_pressure  of the breath's first sample [cmH2O], before the ventilator raises it
    plateau         mean pressure of a rest without flow [cmH2O], None where there was none
    """

    seconds: Float[np.ndarray, " n"]
    volume: Float[np.ndarray, " n"]
    flow: Float[np.ndarray, " n"]
    pressure: Float[np.ndarray, " n"]
    start_pressure: float
    plateau: float | None

    @property
    def fitted(self) -> slice:
        """The samples that fits and forecasts look at."""
        return slice(int(np.searchsorted(self.seconds, START_AFTER - 1e-9)), None)

    @property
    def peak(self) -> float:
        """Highest pressure [cmH2O] of the fitted part."""
        return float(self.pressure[self.fitted].max())


@dataclass(frozen=True)
class BreathFit:
    """Parameters of one breath: C [L/cmH2O], R [cmH2O s/L], P0 and root mean square residual [cmH2O].

    refused  why they are not to be used, empty when they are
    """

    compliance: float
    resistance: float
    start_pressure: float
    residual: float
    refused: str = ""

    def pressure(self, taken: Inspiration, intercept: Intercept) -> Float[np.ndarray, " n"]:
        """Airway pressure [n] (cmH2O) that the flow of an inspiration makes in a lung of these parameters."""
        return self.start(taken, intercept) + taken.volume / self.compliance + self.resistance * taken.flow

    def start(self, taken: Inspiration, intercept: Intercept) -> float:
        """P0 [cmH2O]: the fitted one, or that which the breath itself shows at its first sample."""
        return self.start_pressure if intercept == "fitted" else taken.start_pressure


def inspiration(breath: WaveformBreath, samples_per_second: float) -> Inspiration | None:
    """The inspiration of a breath; None when no flow goes in for longer than START_AFTER."""
    inward = np.flatnonzero(breath.flow > FLOWING)
    settle = round(START_AFTER * samples_per_second)
    if len(inward) == 0:
        return None
    start = int(inward[0])
    ceased = np.flatnonzero(breath.flow[start + settle :] <= FLOWING)
    end = start + settle + int(ceased[0]) if len(ceased) else len(breath.flow)
    if end - start <= settle + 3:
        return None
    flow = breath.flow[start:end]
    step = 1.0 / samples_per_second
    volume = np.concatenate([[0.0], np.cumsum(0.5 * (flow[1:] + flow[:-1])) * step])
    plateau = _plateau(breath, end, samples_per_second)
    seconds = np.arange(end - start) * step
    return Inspiration(seconds, volume, flow, breath.pressure[start:end], float(breath.pressure[0]), plateau)


def _plateau(breath: WaveformBreath, end: int, samples_per_second: float) -> float | None:
    """Mean pressure of the rest after ``end``, its first HOLD_AFTER s left out; None when it is too short."""
    moving = np.flatnonzero(np.abs(breath.flow[end:]) > FLOWING)
    if len(moving) == 0 or moving[0] / samples_per_second < SHORTEST_HOLD:
        return None
    first = end + round(HOLD_AFTER * samples_per_second)
    return float(np.mean(breath.pressure[first : end + int(moving[0]) - 1]))  # the valve opens during the last sample


def fit_breath(taken: Inspiration, intercept: Intercept = "fitted") -> BreathFit:
    """Least squares of the equation of motion over one inspiration."""
    part = taken.fitted
    flow, volume, pressure = taken.flow[part], taken.volume[part], taken.pressure[part]
    known = 0.0 if intercept == "fitted" else taken.start_pressure
    columns = [volume, flow] if intercept == "measured" else [volume, flow, np.ones_like(flow)]
    found, *_ = np.linalg.lstsq(np.column_stack(columns), pressure - known, rcond=None)
    residual = float(np.sqrt(np.mean((pressure - known - np.column_stack(columns) @ found) ** 2)))
    E, R, P0 = float(found[0]), float(found[1]), known + float(np.sum(found[2:]))
    C = 1.0 / E if E > 0 else float("inf")
    return BreathFit(C, R, P0, residual, _refusal(C, R, residual, float(volume[-1])))


def _refusal(compliance: float, resistance: float, residual: float, volume: float) -> str:
    if volume < LEAST_VOLUME:
        return "volume too small"
    if residual > POOREST_FIT:
        return "poor fit"
    if not COMPLIANCES[0] <= compliance <= COMPLIANCES[1]:
        return "compliance not plausible"
    return "" if RESISTANCES[0] <= resistance <= RESISTANCES[1] else "resistance not plausible"


def typical(fits: Sequence[BreathFit]) -> BreathFit:
    """The median of every parameter."""

    def median(name: str) -> float:
        return float(np.median([getattr(f, name) for f in fits]))

    return BreathFit(median("compliance"), median("resistance"), median("start_pressure"), median("residual"))


def driven_volume(taken: Inspiration, mechanics: BreathFit, intercept: Intercept) -> float:
    """Volume [L] that the airway pressure of an inspiration drives into a lung of these mechanics, without effort.

    R dV/dt = Paw - P0 - V/C, exactly for a pressure that is constant between two samples, from the volume that is
    already in the lung where the fitted part begins.
    """
    C, R = mechanics.compliance, max(mechanics.resistance, 1e-3)
    P0 = mechanics.start(taken, intercept)
    part = taken.fitted
    volume = float(taken.volume[part][0])
    keep = np.exp(-(taken.seconds[1] - taken.seconds[0]) / (R * C))
    for low, high in pairwise(taken.pressure[part]):
        volume = C * (0.5 * (low + high) - P0) * (1.0 - keep) + volume * keep
    return float(volume)
