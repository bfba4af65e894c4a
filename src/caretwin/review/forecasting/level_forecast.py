"""One forecast of one measured level, with what happened: the value that every table of a validation is made of."""

from dataclasses import dataclass

AVERAGE = "average"


@dataclass(frozen=True)
class Scores:
    """How one predictive distribution did; NaN where a score does not exist.

    point      median of the predicted level, measurement error left out (the record's unit)
    q05, q95   ends of the central 90 % interval of the next measurement
    inside     1 when the measurement lay in it, else 0; NaN for a value beyond a limit of quantification
    crps       continuous ranked probability score (the record's unit; smaller is better)
    pit        place of the measurement within its forecast, between 0 and 1
    log_score  log predictive density of the measurement, or log probability of what is beyond a limit
    """

    point: float
    q05: float
    q95: float
    inside: float
    crps: float
    pit: float
    log_score: float


@dataclass(frozen=True)
class LevelForecast:
    """A level that was forecast before it was seen.

    model     name of the drug model, or "average"
    subject   the record's subject; ``patient`` is the person, who may have several records
    time_h    when the level was drawn (h from the subject's origin)
    observed  the measured value (the limit when censored), in the unit of the record
    measured  False for a value beyond a limit of quantification
    earlier   how many earlier levels the forecast had seen
    typical   what the model predicts for the typical person with these covariates (all random effects 0)
    prior     forecast from covariates and doses alone
    next      forecast from these and from every earlier level
    weight    share of the model in the average, before the level was seen
    ess       effective number of draws behind the forecast (the least of the models that count, for the average)
    reliable  whether they are enough
    """

    model: str
    subject: str
    patient: str
    channel: str
    time_h: float
    observed: float
    measured: bool
    earlier: int
    typical: float
    prior: Scores
    next: Scores
    weight: float
    ess: float
    reliable: bool


@dataclass(frozen=True)
class Refused:
    """Levels of a subject that a model did not forecast, and why."""

    model: str
    subject: str
    levels: int
    reason: str
