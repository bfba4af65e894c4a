"""Which parameters are sums of log-affine terms, so that no expression is evaluated per draw.

    parameter = sum over its terms t of  typical_t exp(B_t eta)

A product or constant power of individual parameters, times exp(eta), is one such term; a sum of two of them, such as
a clearance with an intercept and a slope of its own, is two. The analysis is structural: it follows the tree, and says
None as soon as a random effect enters anything else. Several terms must be ones that cannot be negative,
as their logs are taken one by one.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import NamedTuple

import numpy as np

from .expression import Name, Node, Operation, evaluate, walk

Row = np.ndarray


class Term(NamedTuple):
    """A term's typical value as a tree of names without random effects, and the derivative of its log by the effects
    [size]."""

    typical: Node
    row: Row


Terms = tuple[Term, ...]


def terms(node: Node, moving: Mapping[str, Terms], size: int, nonnegative: Container[str] = ()) -> Terms | None:
    """The terms of a tree, or None when it is no sum of such.

    ``moving`` holds the names that carry random effects; every other name is free of them, and those in
    ``nonnegative`` are known not to be negative.
    """
    if not any(isinstance(n, Name) and n.name in moving for n in walk(node)):
        return (Term(node, np.zeros(size)),)
    if isinstance(node, Name):
        return moving[node.name]
    if not isinstance(node, Operation):
        return None
    if node.op == "^":
        return _power(node, moving, size, nonnegative)
    if node.op not in {"+", "*", "/"}:
        return None
    left, right = (terms(a, moving, size, nonnegative) for a in node.arguments)
    if left is None or right is None:
        return None
    if node.op == "+":
        return _merged((*left, *right), node.at, nonnegative)
    if node.op == "/" and len(right) > 1:
        return None
    sign = 1.0 if node.op == "*" else -1.0
    every = (
        Term(Operation(node.op, (a.typical, b.typical), node.at), a.row + sign * b.row) for a in left for b in right
    )
    return _merged(every, node.at, nonnegative)


def _power(node: Operation, moving: Mapping[str, Terms], size: int, nonnegative: Container[str]) -> Terms | None:
    base, exponent = terms(node.arguments[0], moving, size, nonnegative), _constant(node.arguments[1])
    if base is None or exponent is None or len(base) > 1:
        return None
    return (Term(Operation("^", (base[0].typical, node.arguments[1]), node.at), exponent * base[0].row),)


def _merged(found: Iterable[Term], at: int, nonnegative: Container[str]) -> Terms | None:
    """Terms that move together as one; None when several are left of which one could be negative."""
    whole: dict[bytes, Term] = {}
    for term in found:
        key = (term.row + 0.0).tobytes()  # + 0.0: minus zero is zero
        if key in whole:
            term = Term(Operation("+", (whole[key].typical, term.typical), at), term.row)
        whole[key] = term
    result = tuple(whole.values())
    return result if len(result) == 1 or all(never_negative(t.typical, nonnegative) for t in result) else None


def never_negative(node: Node, nonnegative: Container[str]) -> bool:
    """Whether a tree certainly is not: no difference, no function, and no name that could be negative in it."""
    if isinstance(node, Name):
        return node.name in nonnegative
    if not isinstance(node, Operation):
        return node.value >= 0
    if node.op == "^":
        return never_negative(node.arguments[0], nonnegative)
    return node.op in {"+", "*", "/"} and all(never_negative(a, nonnegative) for a in node.arguments)


def _constant(node: Node) -> float | None:
    return None if any(isinstance(n, Name) for n in walk(node)) else float(evaluate(node, {}))
