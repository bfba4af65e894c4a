"""What happened to a subject, in a model's own units: the plain values from which a history is built."""

from dataclasses import dataclass


@dataclass(frozen=True)
class GivenDose:
    """A dose: start (h), amount (the model's dose unit), duration (h; 0 is a bolus), index of the input it enters.

    ``order`` breaks ties in time: what has the lower number happened first.
    """

    time: float
    amount: float
    duration: float
    target: int
    order: int = 0


@dataclass(frozen=True)
class Sample:
    """A measurement: time (h), index of the channel, value (the limit when censored), kind (as in core.model)."""

    time: float
    channel: int
    value: float
    kind: int
    order: int = 0


@dataclass(frozen=True)
class Series:
    """Something that changes over time: times [n] (h, non-decreasing), values [n], and the rule between them.

    rule  "locf" holds the last value, "nocb" reaches back from the next one, "linear" joins them
    """

    times: tuple[float, ...]
    values: tuple[float, ...]
    rule: str = "locf"
