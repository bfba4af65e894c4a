"""The sections of a drug file, each read into its record: what the file says, checked, with units converted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import log

from caretwin.base.errors import UnitError

from .description import (
    Bounds,
    Choices,
    Covariate,
    Disputed,
    DomainRule,
    Dose,
    DrugChannel,
    Limit,
    Practical,
    ResidualError,
    Target,
    TestDose,
    TestVector,
    Variability,
)
from .dimension import Kind, fit, unit
from .expression import Expression, ExpressionError, Formula, parse
from .structure import ABSORPTIONS, DOWNSTREAMS, ELIMINATIONS, OPTIONAL, RESPONSES, Structure
from .toml_table import Table, nearest

KINDS = ("auc24", "auc24_over_mic", "peak", "trough", "steady_state_level", "time_above_mic", "effect")


@dataclass(frozen=True)
class Scope:
    """What expressions of one file may use: kinds of the names, and named formulas."""

    kinds: Mapping[str, Kind]
    formulas: Mapping[str, Formula]


def expression(table: Table, key: str, scope: Scope) -> tuple[Expression, Kind]:
    """The expression under ``key`` and its kind; faults are located in the file."""
    text = table.text(key)
    try:
        return fit(parse(text, scope.formulas), scope.kinds)
    except ExpressionError as error:
        raise table.error(
            key, seen=error.seen, wanted=error.wanted, fix=error.fix, offset=error.offset
        ) from None


def ucum(table: Table, key: str, like: str | None = None, default: str | None = None) -> str:
    """The unit under ``key``; with ``like``, it must have the same dimension."""
    found = table.text(key) if default is None or key in table else table.text_or_none(key) or default
    kind = _kind(table, key, found)
    if like is not None and kind != unit(like)[1]:
        raise table.error(
            key,
            seen=f"{found} ({kind})",
            wanted=f"a unit such as {like} ({unit(like)[1]})",
            fix=f"write it in {like}",
        )
    return found


def _kind(table: Table, key: str, code: str) -> Kind:
    try:
        return unit(code)[1]
    except UnitError as error:
        raise table.error(key, seen=error.seen, wanted=error.wanted, fix=error.fix) from None


def quantity(table: Table, key: str, to: str) -> float | None:
    """A text such as "48 h" as a number in ``to``; None when absent."""
    text = table.text_or_none(key)
    if text is None:
        return None
    found = re.fullmatch(r"\s*([0-9.eE+-]+)\s+(\S+)\s*", text)
    if found is None:
        raise table.error(
            key, seen=repr(text), wanted=f'a number and its unit, such as "2 {to}"', fix="write both"
        )
    if _kind(table, key, found[2]) != unit(to)[1]:
        raise table.error(key, seen=found[2], wanted=f"a unit such as {to}", fix=f"write it in {to}")
    return float(found[1]) * _ratio(found[2], to)


def _ratio(from_: str, to: str) -> float:
    return 1.0 if from_ == to else unit(from_)[0] / unit(to)[0]


def structure(table: Table) -> Structure:
    """[structure]"""
    compartments = table.number("compartments")
    if compartments not in (1, 2, 3):
        raise table.error("compartments", seen=f"{compartments:g}", wanted="1, 2 or 3", fix="choose one")
    optional = table.texts("optional")
    for name in optional:
        if name not in OPTIONAL:
            raise table.error(
                "optional", seen=name, wanted=f"among {', '.join(OPTIONAL)}", fix=nearest(name, OPTIONAL)
            )
    found = Structure(
        compartments=int(compartments),
        absorption=table.choice("absorption", ABSORPTIONS, "none"),
        elimination=table.choice("elimination", ELIMINATIONS, "linear"),
        downstream=table.choice("downstream", DOWNSTREAMS, "none"),
        response=table.choice("response", RESPONSES, "none"),
        optional=optional,
    )
    table.finish()
    return found


def dose(table: Table, shape: Structure) -> Dose:
    """[dose]"""
    found = Dose(
        unit=ucum(table, "unit"),
        route=table.text("route"),
        input=table.choice("input", shape.inputs, shape.inputs[0] if len(shape.inputs) == 1 else None),
        label_unit=table.text_or_none("label_unit"),
        label_factor=table.number_or("label_factor", 1.0) or 1.0,
        label=table.text_or_none("label"),
    )
    table.finish()
    return found


def channels(table: Table, shape: Structure, dose_unit: str) -> dict[str, DrugChannel]:
    """[channels.*]: exactly those the structure has."""
    found = {}
    for name in shape.channels:
        one = table.table(name)
        level = name in ("level", "metabolite")
        code = ucum(one, "unit", like=f"{dose_unit}/L" if level else None)
        factor = _ratio(f"{dose_unit}/L", code) if level else 1.0
        found[name] = DrugChannel(name, code, factor, one.text("description"), one.text_or_none("loinc"))
        one.finish()
    table.finish()
    return found


def bounds(table: Table | None) -> Bounds | None:
    """{ low, high, message } with at least one side."""
    if table is None:
        return None
    found = Bounds(table.number_or("low", None), table.number_or("high", None), table.text("message"))
    if found.low is None and found.high is None:
        raise table.error(
            "message", seen="neither low nor high", wanted="at least one", fix="add low = or high ="
        )
    table.finish()
    return found


def covariates(table: Table, formulas: Mapping[str, Formula]) -> tuple[dict[str, Covariate], dict[str, Kind]]:
    """[covariates.*] and the kinds of their names."""
    tables = {name: table.table(name) for name in table.keys()}
    units = {name: ucum(one, "unit") for name, one in tables.items()}
    kinds = {name: unit(code)[1] for name, code in units.items()}
    scope = Scope(kinds, formulas)
    found = {name: _covariate(name, one, units[name], scope) for name, one in tables.items()}
    return found, kinds


def _covariate(name: str, table: Table, code: str, scope: Scope) -> Covariate:
    derived = None
    if "derived" in table:
        derived, kind = expression(table, "derived", scope)
        _expect(table, "derived", kind, code)
    found = Covariate(
        name=name,
        unit=code,
        description=table.text("description"),
        kind=table.text_or_none("kind"),
        interpolation=table.choice("interpolation", ("locf", "nocb", "linear"), "locf"),
        maximum_age=quantity(table, "maximum_age", "h"),
        hard=bounds(table.table_or_none("hard")),
        soft=bounds(table.table_or_none("soft")),
        derived=derived,
        flag=table.truth("flag"),
        source=table.text_or_none("source"),
    )
    table.text_or_none("unit"), table.text_or_none("derived")
    table.finish()
    return found


def _expect(table: Table, key: str, kind: Kind, code: str) -> None:
    if not kind.undefined and kind != unit(code)[1]:
        raise table.error(
            key,
            seen=f"an expression that is {kind}",
            wanted=f"{unit(code)[1]}, because the unit is {code}",
            fix="give the leading number its unit in brackets, or correct the unit",
            offset=0,
        )


def value(table: Table, key: str, code: str, scope: Scope) -> Expression:
    """An expression whose dimension must be that of the unit ``code``."""
    found, kind = expression(table, key, scope)
    _expect(table, key, kind, code)
    return found


def variability(table: Table) -> Variability | None:
    """omega2, sd or cv (with its rule) of a random effect; None when the table states none."""
    stated = [key for key in ("omega2", "sd", "cv") if key in table]
    rule = table.text_or_none("cv_rule")
    assumed, note = table.truth("variability_assumed"), table.text_or_none("variability_note")
    for key in ("omega2", "sd", "cv"):
        table.number_or(key, None)
    if not stated:
        if rule or note or assumed:
            raise table.error("cv_rule" if rule else "variability_note" if note else "variability_assumed",
                              seen="no omega2, sd or cv", wanted="one of them", fix="add the number")  # fmt: skip
        return None
    if len(stated) > 1:
        raise table.error(
            stated[1], seen=" and ".join(stated), wanted="one of them", fix="keep what the source prints"
        )
    kind = stated[0]
    printed = table.number(kind)
    if printed <= 0:
        raise table.error(
            kind, seen=f"{printed:g}", wanted="a number above 0", fix="leave it out for no variability"
        )
    if kind == "cv" and rule not in ("ln(1 + cv^2)", "cv^2"):
        raise table.error(kind, seen=f"cv with the rule {rule!r}", wanted='cv_rule = "ln(1 + cv^2)" or "cv^2"',
                          fix="say how the variance follows from the coefficient of variation")  # fmt: skip
    rules = {"omega2": "variance = printed", "sd": "printed^2", "cv": rule or ""}
    variances = {
        "omega2": printed,
        "sd": printed**2,
        "cv": log(1 + printed**2) if rule != "cv^2" else printed**2,
    }
    return Variability(printed, kind, rules[kind], variances[kind], assumed, note)


def errors(table: Table, found: Mapping[str, DrugChannel]) -> dict[str, ResidualError]:
    """[error.*]: one for each channel."""
    result = {}
    for name, channel in found.items():
        one = table.table(name)
        form = one.choice("form", ("combined_variance", "combined_sd", "log_additive"))
        additive = _additive(one, form, channel)
        proportional = one.number_or("proportional", 0.0) or 0.0
        if min(additive, proportional) < 0 or additive + proportional == 0:
            raise one.error("form", seen="no error, or a negative one", wanted="standard deviations above 0",
                            fix="give additive (with unit), proportional, or both")  # fmt: skip
        result[name] = ResidualError(
            name, form, additive, proportional, one.truth("assumed"), one.text_or_none("note")
        )
        one.finish()
    table.finish()
    return result


def _additive(table: Table, form: str, channel: DrugChannel) -> float:
    if "additive" not in table:
        table.number_or("additive", None), table.text_or_none("unit")
        return 0.0
    code = ucum(table, "unit", like="1" if form == "log_additive" else channel.unit)
    factor = 1.0 if form == "log_additive" else _ratio(code, channel.unit)
    return table.number("additive") * factor


def measure(kind: str, found: Mapping[str, DrugChannel]) -> str:
    """The unit in which a target or limit of this kind is kept."""
    level = found["level"].unit
    units = {"auc24": f"{level}.h", "auc24_over_mic": "h", "time_above_mic": "1"}
    if kind == "effect" and "effect" in found:
        return found["effect"].unit
    return units.get(kind, level)


def _range(table: Table, to: str) -> tuple[float | None, float | None]:
    factor = _ratio(ucum(table, "unit", like=to), to)
    low, high = table.number_or("low", None), table.number_or("high", None)
    if low is None and high is None:
        raise table.error(
            "unit", seen="neither low nor high", wanted="at least one", fix="add low = or high ="
        )
    return low if low is None else low * factor, high if high is None else high * factor


def target(table: Table, found: Mapping[str, DrugChannel]) -> Target:
    """One of [[targets]]"""
    kind = table.choice("kind", KINDS)
    to = measure(kind, found)
    low, high = _range(table, to)
    result = Target(
        kind, low, high, to, table.text("label"),
        source=table.text_or_none("source"),
        assumed=table.truth("assumed"),
        after=quantity(table, "after", "h"),
        multiple=table.number_or("times_mic", 1.0) or 1.0,
        free=table.number_or("free_fraction", 1.0) or 1.0,
        default=table.truth("default"),
        note=table.text_or_none("note"),
    )  # fmt: skip
    if result.source is None and not result.assumed:
        raise table.error(
            "label",
            seen="neither source nor assumed",
            wanted="one of them",
            fix="cite, or say assumed = true",
        )
    table.finish()
    return result


def limit(table: Table, found: Mapping[str, DrugChannel]) -> Limit:
    """One of [[limits]]"""
    kind = table.choice("kind", KINDS)
    to = measure(kind, found)
    low, high = _range(table, to)
    result = Limit(
        kind, low, high, to, table.text("label"), table.number("maximum_probability"),
        source=table.text_or_none("source"),
        assumed=table.truth("assumed"),
        after=quantity(table, "after", "h"),
        note=table.text_or_none("note"),
    )  # fmt: skip
    if result.source is None and not result.assumed:
        raise table.error(
            "label",
            seen="neither source nor assumed",
            wanted="one of them",
            fix="cite, or say assumed = true",
        )
    table.finish()
    return result


def choices(table: Table, to: str, per_kg: bool = False) -> Choices:
    """{ values | minimum, maximum, step; unit }, kept in ``to`` (or ``to``/kg)."""
    code = ucum(table, "unit")
    if per_kg and _kind(table, "unit", code) == unit(f"{to}/kg")[1]:
        to = f"{to}/kg"
    elif _kind(table, "unit", code) != unit(to)[1]:
        raise table.error("unit", seen=code, wanted=f"a unit such as {to}", fix=f"write it in {to}")
    values = table.numbers("values")
    if not values:
        low, high, step = (table.number(key) for key in ("minimum", "maximum", "step"))
        if not (step > 0 and high >= low):
            raise table.error(
                "step", seen=f"{low:g} to {high:g} by {step:g}", wanted="a rising range", fix="correct it"
            )
        values = tuple(low + i * step for i in range(round((high - low) / step) + 1))
    factor = _ratio(code, to)
    source = table.text_or_none("source")
    found = Choices(tuple(v * factor for v in values), to, table.truth("assumed", source is None), source)
    table.finish()
    return found


def practical(table: Table, dose_unit: str) -> Practical:
    """[practical]"""
    loading = table.table_or_none("loading")
    found = Practical(
        doses=choices(table.table("doses"), dose_unit),
        intervals=choices(table.table("intervals"), "h"),
        durations=choices(table.table("durations"), "h"),
        loading=None if loading is None else choices(loading, dose_unit, per_kg=True),
        maximum_rate=quantity(table, "maximum_rate", f"{dose_unit}/h"),
        maximum_rate_assumed=table.truth("maximum_rate_assumed", True),
        continuous=table.truth("continuous"),
        note=table.text_or_none("note"),
    )
    table.finish()
    return found


def rule(table: Table, scope: Scope) -> DomainRule:
    """One of [[domain]]"""
    require, kind = expression(table, "require", scope)
    if not kind.condition:
        raise table.error("require", seen=str(kind), wanted="a condition", fix="write a comparison, as in CRCL >= 30 [mL/min]",
                          offset=0)  # fmt: skip
    found = DomainRule(require, table.choice("severity", ("hard", "soft")), table.text("message"))
    table.finish()
    return found


def disputed(table: Table) -> Disputed:
    """One of [[disputed]]"""
    found = Disputed(
        table.text("what"), table.text("ours"), table.text("others"), table.text_or_none("consequence")
    )
    table.finish()
    return found


def test(
    table: Table,
    covariates: Iterable[str],
    parameters: tuple[str, ...],
    effects: tuple[str, ...],
    shape: Structure,
    default: str,
) -> TestVector:
    """One of [[test]]; names must be among the given covariates, parameters and random effects."""
    hours = _ratio(ucum(table, "time_unit", like="h", default="h"), "h")
    found = TestVector(
        name=table.text("name"),
        covariates=_values(table, "covariates", tuple(covariates)),
        eta=_values(table, "eta", effects),
        parameters=_values(table, "parameters", parameters),
        tolerance=table.number("tolerance"),
        origin=table.choice("origin", ("published", "recomputed")),
        source=table.text("source"),
        doses=tuple(_test_dose(row, hours, shape, default) for row in table.tables("doses")),
        times=tuple(t * hours for t in table.numbers("times")),
        levels=table.numbers("levels"),
        effect_site=table.numbers("effect_site"),
        effects=table.numbers("effects"),
        auc=tuple((float(a) * hours, float(b) * hours, float(c)) for a, b, c in table.rows("auc")),
    )
    for key in ("levels", "effect_site", "effects"):
        if getattr(found, key) and len(getattr(found, key)) != len(found.times):
            raise table.error(key, seen=f"{len(getattr(found, key))} values", wanted=f"{len(found.times)}, one per time",
                              fix="match times")  # fmt: skip
    table.finish()
    return found


def _values(table: Table, key: str, allowed: tuple[str, ...]) -> dict[str, float]:
    inner = table.table_or_empty(key)
    for name in inner.keys():
        if name not in allowed:
            raise inner.error(
                name, seen=name, wanted=f"one of {', '.join(allowed)}", fix=nearest(name, allowed)
            )
    return {name: inner.number(name) for name in inner.keys()}


def _test_dose(table: Table, hours: float, shape: Structure, default: str) -> TestDose:
    found = TestDose(
        time=table.number("time") * hours,
        amount=table.number("amount"),
        duration=(table.number_or("duration", 0.0) or 0.0) * hours,
        input=table.choice("input", shape.inputs, default),
        interval=(table.number_or("interval", 0.0) or 0.0) * hours,
        count=int(table.number_or("count", 1.0) or 1),
    )
    table.finish()
    return found
