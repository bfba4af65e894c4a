"""The parts of a drug model as its file states them: values, each with its unit, its source and whether it is
assumed.

These are plain frozen records. What can be computed from them stands in :mod:`.drug`; how they are read from
a file in :mod:`.drug_file`. Units are UCUM codes. ``None`` means that the file does not say.
"""

from dataclasses import dataclass

from .expression import Expression


@dataclass(frozen=True)
class Bounds:
    """A range with the sentence to show outside it; ``low`` and ``high`` in the covariate's unit."""

    low: float | None
    high: float | None
    message: str


@dataclass(frozen=True)
class Covariate:
    """A number about the patient that parameters or domain rules use.

    unit           UCUM; every array of this covariate is in it
    kind           which of several things of the same name it is, such as "Cockcroft-Gault, raw"
    interpolation  "locf" (holds until the next record), "nocb" (reaches back to the previous one) or "linear"
    maximum_age    how old a value may be before it is no longer current (h); None: it does not age
    hard, soft     outside hard the model must not advise; outside soft it may, with the message
    derived        how to compute it from other covariates when it is not given
    flag           True when only 0 and 1 are possible
    """

    name: str
    unit: str
    description: str
    kind: str | None = None
    interpolation: str = "locf"
    maximum_age: float | None = None
    hard: Bounds | None = None
    soft: Bounds | None = None
    derived: Expression | None = None
    flag: bool = False
    source: str | None = None


@dataclass(frozen=True)
class Variability:
    """Random effect of one parameter between subjects (or between occasions): eta ~ N(0, variance).

    printed    the number as the source prints it
    kind       "omega2" (variance), "sd" (standard deviation), "cv" (coefficient of variation, a fraction)
    rule       how the variance follows: "variance = printed", "printed^2", "ln(1 + cv^2)" or "cv^2"
    variance   the number the model uses: of the log for a multiplicative effect, in unit^2 for an additive
               one
    """

    printed: float
    kind: str
    rule: str
    variance: float
    assumed: bool = False
    note: str | None = None


@dataclass(frozen=True)
class Parameter:
    """One individual parameter.

    value        typical value: an expression of covariates, definitions and *individual* values of other
                 parameters
    unit         the unit the file states it in
    factor       canonical value = factor x value in ``unit``; canonical units are the dose unit, L and h
    eta          "exponential" (times e^eta), "additive" (plus eta, in ``unit``) or "none"
    variability  its prior between subjects; occasion its prior between occasions of one subject
    auxiliary    True when it only serves other parameters (a slope, a rate constant)
    positive     True when the structure needs it > 0
    """

    name: str
    value: Expression
    unit: str
    factor: float
    eta: str
    variability: Variability | None = None
    occasion: Variability | None = None
    assumed: bool = False
    source: str | None = None
    note: str | None = None
    auxiliary: bool = False
    positive: bool = True
    description: str | None = None


@dataclass(frozen=True)
class Covariance:
    """Covariance of two random effects; ``correlation`` is kept when that is what the source printed."""

    between: tuple[str, str]
    covariance: float
    correlation: float | None = None
    assumed: bool = False
    note: str | None = None


@dataclass(frozen=True)
class ResidualError:
    """Residual error of a channel: standard deviation ``additive`` (channel unit, or log units) and
    ``proportional``.

    form  "combined_variance" sd^2 = a^2 + (b f)^2; "combined_sd" sd = a + b f; "log_additive" ln y = ln f + a
          e
    """

    channel: str
    form: str
    additive: float
    proportional: float
    assumed: bool = False
    note: str | None = None


@dataclass(frozen=True)
class DrugChannel:
    """An observable: unit, code if certain, and ``factor``: value in ``unit`` = factor x canonical value.

    The canonical level is dose unit per L; an effect has factor 1.
    """

    name: str
    unit: str
    factor: float
    description: str
    code: str | None = None


@dataclass(frozen=True)
class Dose:
    """How the drug is given: unit of amounts, route in words, default input ("depot" or "central").

    label_unit, label_factor  what is printed on the package: dose units = label_factor x amount in
                              ``label_unit``
    label                     what that amount is of, such as "lithium carbonate"
    """

    unit: str
    route: str
    input: str
    label_unit: str | None = None
    label_factor: float = 1.0
    label: str | None = None


@dataclass(frozen=True)
class Target:
    """What a regimen should reach.

    kind      auc24, auc24_over_mic, peak, trough, steady_state_level, time_above_mic or effect
    low, high in ``unit`` (time_above_mic: fraction of the interval)
    after     hours after the dose at which the level counts (lithium: 12 h), else None
    multiple  the MIC is multiplied by this (time_above_mic: 1 or 4)
    free      unbound fraction of the measured level that acts (time_above_mic)
    """

    kind: str
    low: float | None
    high: float | None
    unit: str
    label: str
    source: str | None = None
    assumed: bool = False
    after: float | None = None
    multiple: float = 1.0
    free: float = 1.0
    default: bool = False
    note: str | None = None


@dataclass(frozen=True)
class Limit:
    """What a regimen must avoid: ``kind`` as in Target, outside low..high with at most
    ``maximum_probability``."""

    kind: str
    low: float | None
    high: float | None
    unit: str
    label: str
    maximum_probability: float
    source: str | None = None
    assumed: bool = False
    after: float | None = None
    note: str | None = None


@dataclass(frozen=True)
class Choices:
    """A finite list of what can be given, in ``unit``; assumed unless a source says otherwise."""

    values: tuple[float, ...]
    unit: str
    assumed: bool = True
    source: str | None = None


@dataclass(frozen=True)
class Practical:
    """What a pharmacy and a ward can do. Intervals and durations in h; maximum_rate in dose unit per h.

    A duration of 0 is a bolus or an oral dose; "continuous" is a duration equal to the interval.
    """

    doses: Choices
    intervals: Choices
    durations: Choices
    loading: Choices | None = None
    maximum_rate: float | None = None
    maximum_rate_assumed: bool = True
    continuous: bool = False
    note: str | None = None


@dataclass(frozen=True)
class DomainRule:
    """A condition that must hold for the model to be used; ``severity`` "hard" blocks advice, "soft"
    warns."""

    require: Expression
    severity: str
    message: str


@dataclass(frozen=True)
class Disputed:
    """A point on which sources disagree: what it is, what this file does, what others do, and what
    follows."""

    what: str
    ours: str
    others: str
    consequence: str | None = None


@dataclass(frozen=True)
class TestDose:
    """A dose in a test vector: times and duration in h, amount in the dose unit, ``count`` doses ``interval``
    h apart."""

    __test__ = False

    time: float
    amount: float
    duration: float
    input: str
    interval: float = 0.0
    count: int = 1


@dataclass(frozen=True)
class TestVector:
    """A calculation with a known answer.

    covariates    in the covariates' units
    eta           by effect name; absent ones are 0
    parameters    expected individual values, in the parameters' *declared* units
    doses, times  a dose history and sample times (h); levels, effect_site (channel level's unit), effects
                  (channel effect's unit) are expected at those times; auc: (start h, stop h, expected level x
                  h)
    tolerance     relative
    origin        "published" (a number printed elsewhere) or "recomputed" (our own second calculation)
    """

    __test__ = False

    name: str
    covariates: dict[str, float]
    eta: dict[str, float]
    parameters: dict[str, float]
    tolerance: float
    origin: str
    source: str
    doses: tuple[TestDose, ...] = ()
    times: tuple[float, ...] = ()
    levels: tuple[float, ...] = ()
    effect_site: tuple[float, ...] = ()
    effects: tuple[float, ...] = ()
    auc: tuple[tuple[float, float, float], ...] = ()
