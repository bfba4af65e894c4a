"""Binds a drug model to a subject's record: units are converted here, once, and times become the model's history."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from caretwin.base.errors import DataError
from caretwin.base.units import compatible, convert
from caretwin.core.events import GivenDose, Sample, Series
from caretwin.core.history import History
from caretwin.core.model import ABOVE_LIMIT, BELOW_LIMIT, MEASURED, Model
from caretwin.record.dosing import CovariateValue, Dose, DosingRecord, Level
from caretwin.twin.registry import family

KINDS = {"measured": MEASURED, "below": BELOW_LIMIT, "above": ABOVE_LIMIT}

# What a covariate is made of, for laboratories that report amounts of substance.
SUBSTANCES = {"SCR": "creatinine", "CREATININE": "creatinine", "UREA": "urea"}


@dataclass(frozen=True)
class DosingTwin:
    """One subject under one drug model, with everything in the model's own units.

    drug        the drug model as its file describes it
    model       its dynamics, for the engine
    doses, samples, covariates, occasions   what is known of the subject
    occasion_numbers   what the record calls each occasion, in the order of the model's; () without such effects
    """

    subject: str
    drug: Any
    model: Model
    doses: tuple[GivenDose, ...]
    samples: tuple[Sample, ...]
    covariates: dict[str, Series]
    occasions: Series | None
    occasion_numbers: tuple[int, ...] = ()

    def history(
        self,
        *,
        times: Sequence[float] = (),
        doses: Sequence[GivenDose] | None = None,
        samples: bool = True,
        start: float | None = None,
        contexts: Any = None,
    ) -> History:
        """The history up to the last event or wanted time; other doses or no samples when asked.

        contexts  the one context that holds throughout, when it is already known (it saves working it out again)
        """
        return family("pharmacology").history(
            self.drug,
            self.doses if doses is None else doses,
            self.samples if samples else (),
            self.covariates,
            occasions=self.occasions,
            times=times,
            movable=self.model.movable,
            start=start,
            contexts=contexts,
            room=self.model.room,
        )


def bind(
    drug: Any,
    record: DosingRecord,
    *,
    interpolation: str | None = None,
    prior_weight: float = 1.0,
    occasions: int = 0,
    beside: Sequence[Any] = (),
) -> DosingTwin:
    """A twin of the record's subject under one drug model.

    drug           from the family "pharmacology"
    interpolation  overrides every covariate's own rule ("locf", "nocb", "linear")
    prior_weight   below 1 trusts the population less
    occasions      allow for at least so many, so that subjects with fewer share a program with those that have more
    beside         other drug models that are asked the same question, for the same reason

    Raises UnitError for a unit that does not fit, DataError for a dose or a level that the model has no place for.
    """
    first = _first_of_each_occasion(record) if drug.occasion_etas else {}
    marks = Series(tuple(first.values()), tuple(map(float, range(len(first))))) if first else Series((0.0,), (0.0,))
    count = max(occasions, len(marks.times)) if drug.occasion_etas else 0
    model = family("pharmacology").dynamics(drug, occasions=count, prior_weight=prior_weight, beside=beside)
    return DosingTwin(
        subject=record.subject,
        drug=drug,
        model=model,
        doses=tuple(_dose(drug, dose, record.subject) for dose in record.doses),
        samples=tuple(_sample(drug, level, record.subject) for level in record.levels),
        covariates=_covariates(drug, record, interpolation),
        occasions=marks if drug.occasion_etas else None,
        occasion_numbers=tuple(first),
    )


def dose_amount(drug: Any, amount: float, unit: str | None) -> float:
    """An amount in the drug's dose unit; package labels such as mg of lithium carbonate are understood."""
    label = drug.dose.label_unit
    if unit is None:
        return amount
    if label is not None and compatible(unit, label) and not compatible(unit, drug.dose.unit):
        return convert(amount, unit, label) * drug.dose.label_factor
    return convert(amount, unit, drug.dose.unit, substance=drug.drug)


def _dose(drug: Any, dose: Dose, subject: str) -> GivenDose:
    amount = dose_amount(drug, dose.amount, dose.unit)
    order = dose.row if dose.row is not None else 1 << 30
    target = _input(drug, dose, subject)
    if dose.modelled_duration and f"D{target + 1}" not in drug.structure.parameters:
        raise DataError(
            f"dose of subject {subject} at {dose.time_h:g} h" + (f", row {dose.row}" if dose.row else ""),
            seen="RATE -2, a duration that the model estimates",
            wanted=f"a rate or a duration: {drug.name} has no parameter D{target + 1}",
            fix="state RATE or DUR, 0 for a bolus, or use a model that estimates the duration",
        )
    return GivenDose(dose.time_h, amount, dose.duration_h, target, order)


def _input(drug: Any, dose: Dose, subject: str) -> int:
    inputs = drug.structure.inputs
    if dose.compartment is not None:
        if 1 <= dose.compartment <= len(inputs):
            return dose.compartment - 1
        seen = f"compartment {dose.compartment}"
    else:
        name = dose.input or drug.dose.input
        if name in inputs:
            return inputs.index(name)
        seen = f"a dose into the {name}"
    raise DataError(
        f"dose of subject {subject} at {dose.time_h:g} h" + (f", row {dose.row}" if dose.row else ""),
        seen=seen,
        wanted=f"one of the inputs of {drug.name}: " + ", ".join(f"{i + 1} {n}" for i, n in enumerate(inputs)),
        fix="correct the route or the compartment, or use a model that has this input",
    )


def _sample(drug: Any, level: Level, subject: str) -> Sample:
    channels = drug.structure.channels
    if level.channel == "effect" and channels[1:] == ("metabolite",):
        level = replace(level, channel="metabolite")  # a table that numbers its endpoints calls either one 2
    if level.channel not in channels or level.channel not in drug.errors:
        raise DataError(
            f"measurement of subject {subject} at {level.time_h:g} h" + (f", row {level.row}" if level.row else ""),
            seen=f"a value of the channel {level.channel!r}",
            wanted=f"a channel of {drug.name}: " + ", ".join(drug.errors),
            fix="use a model that predicts it, or leave the value out",
        )
    channel = drug.channels[level.channel]
    value = level.value if level.censoring == "measured" or level.limit is None else level.limit
    if level.unit is not None:
        value = convert(value, level.unit, channel.unit, substance=drug.drug)
    order = level.row if level.row is not None else 0
    return Sample(level.time_h, channels.index(level.channel), value / channel.factor, KINDS[level.censoring], order)


def _covariates(drug: Any, record: DosingRecord, interpolation: str | None) -> dict[str, Series]:
    found = {}
    for name, covariate in drug.covariates.items():
        values = record.covariate(name)
        if values:
            numbers = tuple(covariate_value(drug, value) for value in values)
            rule = interpolation or covariate.interpolation
            found[name] = Series(tuple(v.time_h for v in values), numbers, rule)
    return found


def covariate_value(drug: Any, value: CovariateValue) -> float:
    """A covariate in the drug file's unit."""
    if value.unit is None:
        return value.value
    return convert(value.value, value.unit, drug.covariates[value.name].unit, substance=SUBSTANCES.get(value.name))


def occasion_numbers(record: DosingRecord) -> tuple[int, ...]:
    """The occasions of a record as it numbers them, in order of time."""
    return tuple(_first_of_each_occasion(record))


def _first_of_each_occasion(record: DosingRecord) -> dict[int, float]:
    first: dict[int, float] = {}
    for event in (*record.doses, *record.levels):
        if event.occasion is not None:
            first[event.occasion] = min(first.get(event.occasion, event.time_h), event.time_h)
    return dict(sorted(first.items(), key=lambda item: item[1]))
