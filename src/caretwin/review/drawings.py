"""What the drawings of a dosing report show, as plain numbers and words: no model, and nothing that draws."""

from dataclasses import dataclass

import numpy as np

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Fan:
    """Median and 90 % interval [T] over hours from now; ``role`` is advised, as now or without."""

    role: str
    label: str
    hours: np.ndarray
    median: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class CourseDrawing:
    """What was measured against what the models believe, and what comes next.

    past      what the models believe of the time before now
    ahead     one fan per regimen
    measured, beyond   (hours from now, value) of levels, and of those outside the limit of quantification
    """

    drug: str
    axis: str
    past: Fan
    ahead: tuple[Fan, ...]
    measured: Points
    beyond: Points


@dataclass(frozen=True)
class ChancesDrawing:
    """Shares [rows] of the patient's possible courses under, on and over the target; absent parts are absent."""

    names: tuple[str, ...]
    shares: dict[str, tuple[float, ...]]


@dataclass(frozen=True)
class ExposureDrawing:
    """Mean exposure and 90 % interval (low, mean, high) of each row, early and late, against the target range."""

    names: tuple[str, ...]
    early: tuple[tuple[float, float, float], ...]
    late: tuple[tuple[float, float, float], ...]
    target: tuple[float, float]
    axis: str


@dataclass(frozen=True)
class SamplesDrawing:
    """What a blood sample at each time (h from now) would be worth.

    variance_removed   share of the exposure's variance
    gain               utility
    """

    hours: tuple[float, ...]
    variance_removed: tuple[float, ...]
    gain: tuple[float, ...]
    best: float


Drawing = CourseDrawing | ChancesDrawing | ExposureDrawing | SamplesDrawing
