"""The sections of a drug file, each read into its record: what the file says, checked, with units
converted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import log

from caretwin.base.errors import UnitError

from .description import (
    Bounds,
    Covariate,
    Dose,
    DrugChannel,
    ResidualError,
    Variability,
)
from .dimension import Kind, fit, unit
from .expression import Expression, ExpressionError, Formula, parse
from .structure import ABSORPTIONS, DOWNSTREAMS, ELIMINATIONS, OPTIONAL, RESPONSES, Structure
from .toml_table import Table, nearest


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
        raise table.error(key, seen=error.seen, wanted=error.wanted, fix=error.fix, offset=error.offset) from None


def ucum(table: Table, key: str, like: str | None = None, default: str | None = None) -> str:
    """The unit under ``key``; with ``like``, it must have the same dimension."""
    found = table.text(key) if default is None or key in table else table.text_or_none(key) or default
    kind = kind_of_unit(table, key, found)
    if like is not None and kind != unit(like)[1]:
        raise table.error(
            key,
            seen=f"{found} ({kind})",
            wanted=f"a unit such as {like} ({unit(like)[1]})",
            fix=f"write it in {like}",
        )
    return found


def kind_of_unit(table: Table, key: str, code: str) -> Kind:
    """The kind of a unit that stands under ``key``; a unit that cannot be read is located in the file."""
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
        raise table.error(key, seen=repr(text), wanted=f'a number and its unit, such as "2 {to}"', fix="write both")
    if kind_of_unit(table, key, found[2]) != unit(to)[1]:
        raise table.error(key, seen=found[2], wanted=f"a unit such as {to}", fix=f"write it in {to}")
    return float(found[1]) * ratio(found[2], to)


def ratio(from_: str, to: str) -> float:
    """How many ``to`` are one ``from_``; both of one dimension."""
    return 1.0 if from_ == to else unit(from_)[0] / unit(to)[0]


def structure(table: Table) -> Structure:
    """[structure]"""
    compartments = table.number("compartments")
    if compartments not in (1, 2, 3):
        raise table.error("compartments", seen=f"{compartments:g}", wanted="1, 2 or 3", fix="choose one")
    optional = table.texts("optional")
    for name in optional:
        if name not in OPTIONAL:
            raise table.error("optional", seen=name, wanted=f"among {', '.join(OPTIONAL)}", fix=nearest(name, OPTIONAL))
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
        factor = ratio(f"{dose_unit}/L", code) if level else 1.0
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
        raise table.error("message", seen="neither low nor high", wanted="at least one", fix="add low = or high =")
    table.finish()
    return found


def covariates(table: Table, formulas: Mapping[str, Formula]) -> tuple[dict[str, Covariate], dict[str, Kind]]:
    """[covariates.*] and the kinds of their names."""
    tables = {name: table.table(name) for name in table.names()}
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
            raise table.error(
                "cv_rule" if rule else "variability_note" if note else "variability_assumed",
                seen="no omega2, sd or cv",
                wanted="one of them",
                fix="add the number",
            )
        return None
    if len(stated) > 1:
        raise table.error(stated[1], seen=" and ".join(stated), wanted="one of them", fix="keep what the source prints")
    kind = stated[0]
    printed = table.number(kind)
    if printed <= 0:
        raise table.error(kind, seen=f"{printed:g}", wanted="a number above 0", fix="leave it out for no variability")
    if kind == "cv" and rule not in ("ln(1 + cv^2)", "cv^2"):
        raise table.error(
            kind,
            seen=f"cv with the rule {rule!r}",
            wanted='cv_rule = "ln(1 + cv^2)" or "cv^2"',
            fix="say how the variance follows from the coefficient of variation",
        )
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
            raise one.error(
                "form",
                seen="no error, or a negative one",
                wanted="standard deviations above 0",
                fix="give additive (with unit), proportional, or both",
            )
        result[name] = ResidualError(name, form, additive, proportional, one.truth("assumed"), one.text_or_none("note"))
        one.finish()
    table.finish()
    return result


def _additive(table: Table, form: str, channel: DrugChannel) -> float:
    if "additive" not in table:
        table.number_or("additive", None), table.text_or_none("unit")
        return 0.0
    code = ucum(table, "unit", like="1" if form == "log_additive" else channel.unit)
    factor = 1.0 if form == "log_additive" else ratio(code, channel.unit)
    return table.number("additive") * factor
