"""Do the units of an expression fit? Checked once, when a drug file is read, so that evaluation need not
think of it.

A dimension is a product of powers of base dimensions, such as {"length": 3, "time": -1} for L/h. Sums,
comparisons, min, max, clip and the branches of ``if`` need equal dimensions; exp, logarithms and exponents
need none; a quantity with a dimension may be raised to an integer only. Conditions are their own kind: they
cannot be added or multiplied.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

from caretwin.base import units
from caretwin.base.errors import UnitError

from .expression import UNDEFINED, Expression, ExpressionError, Name, Node, Number, Operation

Dimension = tuple[tuple[str, Fraction], ...]
NONE: Dimension = ()


@dataclass(frozen=True)
class Kind:
    """What a sub-expression is: a quantity of some dimension, a condition, or ``undefined`` (fits
    anywhere)."""

    dimension: Dimension = NONE
    condition: bool = False
    undefined: bool = False

    def __str__(self) -> str:
        if self.condition:
            return "a condition"
        if not self.dimension:
            return "a number without unit"
        return " ".join(name if power == 1 else f"{name}^{power}" for name, power in self.dimension)


CONDITION = Kind(condition=True)
ANYTHING = Kind(undefined=True)
NUMBER = Kind()


@lru_cache(maxsize=1024)
def unit(ucum: str) -> tuple[float, Kind]:
    """Factor to the coherent base and kind of a UCUM unit; raises UnitError."""
    powers = {name: Fraction(power) for name, power in units.dimension(ucum).items() if power}
    return units.to_base_factor(ucum), Kind(tuple(sorted(powers.items())))


def fit(expression: Expression, kinds: Mapping[str, Kind]) -> tuple[Expression, Kind]:
    """The expression with every literal's factor filled in, and its kind, given the kinds of the names.

    Raises ExpressionError where units do not fit or a name is unknown.
    """
    tree = _with_factors(expression.tree)
    return Expression(expression.text, tree), kind_of(tree, kinds)


def _with_factors(node: Node) -> Node:
    if isinstance(node, Number):
        if node.unit is None:
            return node
        try:
            return replace(node, factor=unit(node.unit)[0])
        except UnitError as error:
            raise ExpressionError(node.at, seen=error.seen, wanted=error.wanted, fix=error.fix) from None
    if isinstance(node, Operation):
        return replace(node, arguments=tuple(_with_factors(a) for a in node.arguments))
    return node


def kind_of(node: Node, kinds: Mapping[str, Kind]) -> Kind:
    """The kind of a tree; raises ExpressionError at the operator whose operands do not fit."""
    if isinstance(node, Number):
        return NUMBER if node.unit is None else unit(node.unit)[1]
    if isinstance(node, Name):
        return _kind_of_name(node, kinds)
    arguments = [kind_of(a, kinds) for a in node.arguments]
    return _kind_of_operation(node, arguments)


def _kind_of_name(node: Name, kinds: Mapping[str, Kind]) -> Kind:
    if node.name == UNDEFINED:
        return ANYTHING
    if node.name in kinds:
        return kinds[node.name]
    raise ExpressionError(
        node.at,
        seen=f"the name {node.name}",
        wanted=f"one of {', '.join(sorted(kinds)) or 'the names that this file declares'}",
        fix="correct the spelling, or declare it under [covariates] or [definitions]",
    )


def _kind_of_operation(node: Operation, kinds: list[Kind]) -> Kind:
    if node.op in {"and", "or", "not"}:
        for k in kinds:
            _truth(node, k)
        return CONDITION
    if node.op == "if":
        _truth(node, kinds[0])
        return _same(node, kinds[1:])
    if any(k.condition for k in kinds):
        raise ExpressionError(
            node.at,
            seen=f"a condition as operand of {node.op}",
            wanted="a quantity",
            fix="use if(condition, value, other value)",
        )
    if node.op in {"<", "<=", ">", ">=", "==", "!="}:
        _same(node, kinds)
        return CONDITION
    if node.op in {"+", "-", "min", "max", "clip"}:
        return _same(node, kinds)
    if node.op in {"negative", "abs"}:
        return kinds[0]
    if node.op in {"exp", "log", "log10"}:
        _dimensionless(node, kinds[0], f"the argument of {node.op}")
        return NUMBER
    if node.op == "sqrt":
        return _power(kinds[0], Fraction(1, 2))
    if node.op == "^":
        return _kind_of_power(node, *kinds)
    sign = 1 if node.op == "*" else -1
    return _product(kinds[0], _power(kinds[1], Fraction(sign)))


def _kind_of_power(node: Operation, base: Kind, exponent: Kind) -> Kind:
    _dimensionless(node, exponent, "an exponent")
    if not base.dimension:
        return base
    power = _integer(node.arguments[1])
    if power is None:
        raise ExpressionError(
            node.at,
            seen=f"{base} raised to a power that is not a whole number",
            wanted="a number without unit as the base",
            fix="divide by a reference first, as in (WT / 70 [kg])^0.75",
        )
    return _power(base, Fraction(power))


def _integer(node: Node) -> int | None:
    sign = 1
    while isinstance(node, Operation) and node.op == "negative":
        sign, node = -sign, node.arguments[0]
    if isinstance(node, Number) and node.unit is None and node.value == int(node.value):
        return sign * int(node.value)
    return None


def _truth(node: Operation, kind: Kind) -> None:
    if not kind.condition and kind.dimension:
        raise ExpressionError(
            node.at,
            seen=f"{kind} where {node.op} needs a condition",
            wanted="a comparison, or a covariate that is 0 or 1",
            fix="compare it with something, as in AGE > 65 [a]",
        )


def _dimensionless(node: Operation, kind: Kind, what: str) -> None:
    if kind.dimension:
        raise ExpressionError(
            node.at,
            seen=f"{what} is {kind}",
            wanted="a number without unit",
            fix="divide it by a reference value with its unit",
        )


def _same(node: Operation, kinds: list[Kind]) -> Kind:
    known = [k for k in kinds if not k.undefined]
    for other in known[1:]:
        if other.dimension != known[0].dimension or other.condition != known[0].condition:
            raise ExpressionError(
                node.at,
                seen=f"{known[0]} and {other} as operands of {node.op}",
                wanted="two quantities of one dimension",
                fix="give each number its unit in brackets, or divide both by a reference",
            )
    return known[0] if known else ANYTHING


def _power(kind: Kind, power: Fraction) -> Kind:
    return Kind(tuple((name, p * power) for name, p in kind.dimension))


def _product(a: Kind, b: Kind) -> Kind:
    powers = dict(a.dimension)
    for name, power in b.dimension:
        powers[name] = powers.get(name, Fraction(0)) + power
    return Kind(tuple(sorted((name, power) for name, power in powers.items() if power)))
