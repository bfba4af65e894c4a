"""What is asked when somebody asks for a dose."""

from dataclasses import dataclass, field
from typing import Any

from caretwin.decide.preferences import Preferences

DRAWS = 2048
HORIZON = 168.0  # h


@dataclass(frozen=True)
class Question:
    """What is asked.

    drug         such as "vancomycin"
    now          h from the subject's origin; doses recorded at or after it are what the answer replaces
    target       the drug file's default target when None, else its label or kind
    mic          minimum inhibitory concentration in ``mic_unit`` with probabilities, or None
    models       names to consider; all of the drug when empty
    drug_files   further drug models, already read
    horizon      h over which regimens are followed
    """

    drug: str
    now: float
    target: str | None = None
    mic: tuple[tuple[float, float], ...] | None = None
    mic_unit: str = "mg/L"
    models: tuple[str, ...] = ()
    drug_files: tuple[Any, ...] = ()
    horizon: float = HORIZON
    preferences: Preferences = field(default_factory=Preferences)
    seed: int = 0
    draws: int = DRAWS
