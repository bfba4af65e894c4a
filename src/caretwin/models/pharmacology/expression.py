"""The small language of drug files: arithmetic with units, parsed by a grammar and never run as Python.

    4.5 [L/h] * (CRCL / 120 [mL/min])^0.8 * if(DIAL, 0.7, 1)

Numbers carry a UCUM unit in brackets or are plain; ``^`` binds tighter than a sign on its left and groups to
the right (-2^2 = -4, 2^3^2 = 2^9); comparisons and ``and``, ``or``, ``not`` make conditions for ``if``.
Functions: exp, log (natural), log10, sqrt, abs, min, max, clip(x, low, high), if(condition, then, else). The
name ``undefined`` is no number: a formula yields it where it must not be used.

An expression is evaluated in a coherent base, so years and weeks, mg/dL and umol/L mix without factors in the
text. The same tree runs in NumPy and, traced, in JAX. That units fit is checked once, when a file is read:
see :mod:`.dimension`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property, reduce
from typing import Any

import numpy as np
from lark import Lark, Token, Transformer, UnexpectedInput
from lark.exceptions import VisitError

GRAMMAR = r"""
?start: or
?or: and | or "or" and          -> logical_or
?and: not | and "and" not       -> logical_and
?not: comparison | "not" not    -> logical_not
?comparison: sum | sum COMPARE sum
?sum: term | sum ADD term       -> binary
?term: sign | term MULTIPLY sign -> binary
?sign: power | ADD sign         -> signed
?power: atom | atom POWER sign  -> binary
?atom: NUMBER UNIT?             -> number
     | NAME                     -> name
     | NAME "(" or ("," or)* ")" -> call
     | "(" or ")"
COMPARE: "<=" | ">=" | "==" | "!=" | "<" | ">"
ADD: "+" | "-"
MULTIPLY: "*" | "/"
POWER: "^"
NUMBER: /(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?/
UNIT: /\[([^\[\]]|\[[^\[\]]*\])*\]/
NAME: /[A-Za-z_][A-Za-z_0-9]*/
%import common.WS
%ignore WS
"""

ARGUMENTS = {
    "exp": 1,
    "log": 1,
    "log10": 1,
    "sqrt": 1,
    "abs": 1,
    "clip": 3,
    "if": 3,
    "min": None,
    "max": None,
}
UNDEFINED = "undefined"


class ExpressionError(Exception):
    """A fault in an expression, ``offset`` characters into its text; the file reader adds line and column."""

    def __init__(self, offset: int, *, seen: str, wanted: str, fix: str) -> None:
        super().__init__(f"at character {offset + 1}: {seen}; wanted {wanted}; {fix}")
        self.offset, self.seen, self.wanted, self.fix = offset, seen, wanted, fix


@dataclass(frozen=True)
class Number:
    """A literal; ``factor`` takes it to the coherent base, ``unit`` is what the text says."""

    value: float
    unit: str | None
    at: int
    factor: float = 1.0


@dataclass(frozen=True)
class Name:
    """A covariate, a definition or another parameter."""

    name: str
    at: int


@dataclass(frozen=True)
class Operation:
    """An operator or a function applied to its arguments."""

    op: str
    arguments: tuple[Node, ...]
    at: int


Node = Number | Name | Operation


class _Builder(Transformer[Token, Node]):
    """From lark's tree to ours."""

    def number(self, items: list[Token]) -> Node:
        unit = str(items[1])[1:-1] if len(items) > 1 else None
        return Number(float(items[0]), unit, _at(items[0]))

    def name(self, items: list[Token]) -> Node:
        if items[0] in ARGUMENTS:
            raise ExpressionError(
                _at(items[0]),
                seen=f"the function {items[0]} without arguments",
                wanted="arguments in parentheses",
                fix=f"write {items[0]}(...)",
            )
        return Name(str(items[0]), _at(items[0]))

    def call(self, items: list[Any]) -> Node:
        return Operation(str(items[0]), tuple(items[1:]), _at(items[0]))

    def signed(self, items: list[Any]) -> Node:
        return Operation("negative", (items[1],), _at(items[0])) if items[0] == "-" else items[1]

    def binary(self, items: list[Any]) -> Node:
        left, operator, right = items
        return Operation(str(operator), (left, right), _at(operator))

    comparison = binary

    def logical_or(self, items: list[Node]) -> Node:
        return Operation("or", tuple(items), items[0].at)

    def logical_and(self, items: list[Node]) -> Node:
        return Operation("and", tuple(items), items[0].at)

    def logical_not(self, items: list[Node]) -> Node:
        return Operation("not", tuple(items), items[0].at)


def _at(token: Token) -> int:
    return int(token.start_pos or 0)


@cache
def _parser() -> Lark:
    return Lark(GRAMMAR, parser="lalr", maybe_placeholders=False)


@dataclass(frozen=True)
class Expression:
    """A parsed expression: its text as written and its tree."""

    text: str
    tree: Node

    @cached_property
    def names(self) -> frozenset[str]:
        """The names it refers to."""
        return frozenset(node.name for node in walk(self.tree) if isinstance(node, Name)) - {UNDEFINED}

    def evaluate(self, values: Mapping[str, Any], xp: Any = np) -> Any:
        """Its value, given every name in coherent base units; ``xp`` is numpy or jax.numpy.

        >>> float(parse("-2^2 + 3 * x").evaluate({"x": 2.0}))
        2.0
        """
        return evaluate(self.tree, values, xp)


def walk(node: Node) -> list[Node]:
    """The node and everything below it."""
    below = [n for a in node.arguments for n in walk(a)] if isinstance(node, Operation) else []
    return [node, *below]


def parse(text: str, formulas: Mapping[str, Formula] | None = None) -> Expression:
    """Parse ``text``; calls of named ``formulas`` are replaced by their bodies.

    Raises ExpressionError at the first character that does not fit.
    """
    try:
        tree = _Builder().transform(_parser().parse(text))
    except UnexpectedInput as error:
        raise _syntax_error(text, error) from None
    except VisitError as error:
        if isinstance(error.orig_exc, ExpressionError):
            raise error.orig_exc from None
        raise
    return Expression(text, _expand(tree, formulas or {}))


def _syntax_error(text: str, error: UnexpectedInput) -> ExpressionError:
    at_end = getattr(getattr(error, "token", None), "type", "") == "$END"
    position = getattr(error, "pos_in_stream", None)
    offset = len(text) if at_end or position is None or position < 0 else int(position)
    rest = text[offset:].split() if offset < len(text) else []
    return ExpressionError(
        min(offset, len(text)),
        seen=f"{rest[0]!r}" if rest else "the end of the expression",
        wanted="a number with its unit in brackets, a name, a function or an operator",
        fix="powers are written ^, units stand in brackets directly after a number, as in 4.5 [L/h]",
    )


@dataclass(frozen=True)
class Formula:
    """A named formula that files may call: the units of its arguments and result, its body, its source."""

    name: str
    arguments: tuple[str, ...]
    units: tuple[str, ...]
    unit: str
    body: Expression
    source: str


def _expand(node: Node, formulas: Mapping[str, Formula]) -> Node:
    if not isinstance(node, Operation):
        return node
    arguments = tuple(_expand(a, formulas) for a in node.arguments)
    if node.op in formulas:
        formula = formulas[node.op]
        _count(node, len(arguments), len(formula.arguments))
        return _substitute(formula.body.tree, dict(zip(formula.arguments, arguments, strict=True)), node.at)
    if node.op.isidentifier() and node.op not in {"and", "or", "not", "negative"}:
        if node.op not in ARGUMENTS:
            raise ExpressionError(
                node.at,
                seen=f"the function {node.op}",
                wanted=f"one of {', '.join(sorted([*ARGUMENTS, *formulas]))}",
                fix="correct the name; a product needs its *",
            )
        _count(node, len(arguments), ARGUMENTS[node.op])
    return replace(node, arguments=arguments)


def _count(node: Operation, given: int, wanted: int | None) -> None:
    if (wanted is None and given < 2) or (wanted is not None and given != wanted):
        raise ExpressionError(
            node.at,
            seen=f"{given} argument{'s' * (given != 1)} of {node.op}",
            wanted="two or more" if wanted is None else str(wanted),
            fix="arguments are separated by commas",
        )


def _substitute(node: Node, arguments: Mapping[str, Node], at: int) -> Node:
    if isinstance(node, Name):
        return arguments.get(node.name, replace(node, at=at))
    if isinstance(node, Number):
        return replace(node, at=at)
    return Operation(node.op, tuple(_substitute(a, arguments, at) for a in node.arguments), at)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "+": lambda xp, a, b: a + b,
    "-": lambda xp, a, b: a - b,
    "*": lambda xp, a, b: a * b,
    "/": lambda xp, a, b: xp.divide(a, b),
    "^": lambda xp, a, b: xp.power(xp.asarray(a, dtype=float), b),
    "negative": lambda xp, a: -a,
    "<": lambda xp, a, b: xp.less(a, b),
    "<=": lambda xp, a, b: xp.less_equal(a, b),
    ">": lambda xp, a, b: xp.greater(a, b),
    ">=": lambda xp, a, b: xp.greater_equal(a, b),
    "==": lambda xp, a, b: xp.equal(a, b),
    "!=": lambda xp, a, b: xp.not_equal(a, b),
    "and": lambda xp, a, b: xp.logical_and(a, b),
    "or": lambda xp, a, b: xp.logical_or(a, b),
    "not": lambda xp, a: xp.logical_not(a),
    "exp": lambda xp, a: xp.exp(a),
    "log": lambda xp, a: xp.log(a),
    "log10": lambda xp, a: xp.log10(a),
    "sqrt": lambda xp, a: xp.sqrt(a),
    "abs": lambda xp, a: xp.abs(a),
    "min": lambda xp, *a: reduce(xp.minimum, a),
    "max": lambda xp, *a: reduce(xp.maximum, a),
    "clip": lambda xp, a, low, high: xp.minimum(xp.maximum(a, low), high),
    "if": lambda xp, condition, a, b: xp.where(_truth(xp, condition), a, b),
}


def _truth(xp: Any, condition: Any) -> Any:
    return xp.not_equal(condition, 0)


def evaluate(node: Node, values: Mapping[str, Any], xp: Any = np) -> Any:
    """The value of a tree; see :meth:`Expression.evaluate`. An invalid operation gives nan or inf, as in IEEE
    754."""
    if isinstance(node, Number):
        return node.value * node.factor
    if isinstance(node, Name):
        return np.nan if node.name == UNDEFINED else values[node.name]
    arguments = [evaluate(a, values, xp) for a in node.arguments]
    if xp is np:
        with np.errstate(all="ignore"):
            return _FUNCTIONS[node.op](np, *arguments)
    return _FUNCTIONS[node.op](xp, *arguments)
