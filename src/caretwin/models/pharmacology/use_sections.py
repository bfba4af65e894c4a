"""The sections of a drug file that say how the drug is used and how the file is checked.

Targets, limits, what can be given, for whom, what is disputed, test vectors: each is read into its record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .description import (
    Choices,
    Disputed,
    DomainRule,
    DrugChannel,
    Limit,
    Practical,
    Target,
    TestDose,
    TestVector,
)
from .dimension import unit
from .sections import Scope, expression, kind_of_unit, quantity, ratio, ucum
from .structure import Structure
from .toml_table import Table, nearest

KINDS = ("auc24", "auc24_over_mic", "peak", "trough", "steady_state_level", "time_above_mic", "effect")


def measure(kind: str, found: Mapping[str, DrugChannel]) -> str:
    """The unit in which a target or limit of this kind is kept."""
    level = found["level"].unit
    amount, _, volume = level.partition("/")
    units = {"auc24": f"{amount}.h/{volume}" if volume else f"{level}.h", "auc24_over_mic": "h", "time_above_mic": "1"}
    if kind == "effect" and "effect" in found:
        return found["effect"].unit
    return units.get(kind, level)


def _range(table: Table, to: str) -> tuple[float | None, float | None]:
    factor = ratio(ucum(table, "unit", like=to), to)
    low, high = table.number_or("low", None), table.number_or("high", None)
    if low is None and high is None:
        raise table.error("unit", seen="neither low nor high", wanted="at least one", fix="add low = or high =")
    return low if low is None else low * factor, high if high is None else high * factor


def target(table: Table, found: Mapping[str, DrugChannel]) -> Target:
    """One of [[targets]]"""
    kind = table.choice("kind", KINDS)
    to = measure(kind, found)
    low, high = _range(table, to)
    result = Target(
        kind,
        low,
        high,
        to,
        table.text("label"),
        source=table.text_or_none("source"),
        assumed=table.truth("assumed"),
        after=quantity(table, "after", "h"),
        multiple=table.number_or("times_mic", 1.0) or 1.0,
        free=table.number_or("free_fraction", 1.0) or 1.0,
        default=table.truth("default"),
        note=table.text_or_none("note"),
    )
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
        kind,
        low,
        high,
        to,
        table.text("label"),
        table.number("maximum_probability"),
        source=table.text_or_none("source"),
        assumed=table.truth("assumed"),
        after=quantity(table, "after", "h"),
        note=table.text_or_none("note"),
    )
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
    if per_kg and kind_of_unit(table, "unit", code) == unit(f"{to}/kg")[1]:
        to = f"{to}/kg"
    elif kind_of_unit(table, "unit", code) != unit(to)[1]:
        raise table.error("unit", seen=code, wanted=f"a unit such as {to}", fix=f"write it in {to}")
    values = table.numbers("values")
    if not values:
        low, high, step = (table.number(key) for key in ("minimum", "maximum", "step"))
        if not (step > 0 and high >= low):
            raise table.error(
                "step", seen=f"{low:g} to {high:g} by {step:g}", wanted="a rising range", fix="correct it"
            )
        values = tuple(low + i * step for i in range(round((high - low) / step) + 1))
    factor = ratio(code, to)
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
        raise table.error(
            "require",
            seen=str(kind),
            wanted="a condition",
            fix="write a comparison, as in CRCL >= 30 [mL/min]",
            offset=0,
        )
    found = DomainRule(require, table.choice("severity", ("hard", "soft")), table.text("message"))
    table.finish()
    return found


def disputed(table: Table) -> Disputed:
    """One of [[disputed]]"""
    found = Disputed(table.text("what"), table.text("ours"), table.text("others"), table.text_or_none("consequence"))
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
    hours = ratio(ucum(table, "time_unit", like="h", default="h"), "h")
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
            raise table.error(
                key,
                seen=f"{len(getattr(found, key))} values",
                wanted=f"{len(found.times)}, one per time",
                fix="match times",
            )
    table.finish()
    return found


def _values(table: Table, key: str, allowed: tuple[str, ...]) -> dict[str, float]:
    inner = table.table_or_empty(key)
    for name in inner.names():
        if name not in allowed:
            raise inner.error(name, seen=name, wanted=f"one of {', '.join(allowed)}", fix=nearest(name, allowed))
    return {name: inner.number(name) for name in inner.names()}


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
