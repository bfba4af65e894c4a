"""Which models are log-affine: log(parameters) = log(typical) + B eta, so that no expression is evaluated per
draw.

A product or constant power of individual parameters, times exp(eta), is; a sum of two parameters is not. The
analysis is structural: it follows the tree, and says None as soon as a random effect enters anything else.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .expression import Name, Node, Operation, evaluate, walk

Row = np.ndarray


def loading(node: Node, rows: Mapping[str, Row], size: int) -> Row | None:
    """Derivative of the log of a tree by the effects [size], or None when it is not constant.

    ``rows`` holds the names that carry random effects; every other name is free of them.
    """
    if all(not _moves(n, rows) for n in walk(node)):
        return np.zeros(size)
    if isinstance(node, Name):
        return rows[node.name]
    if not isinstance(node, Operation):
        return None
    if node.op in {"*", "/"}:
        left, right = (loading(a, rows, size) for a in node.arguments)
        if left is None or right is None:
            return None
        total: Row = left + right if node.op == "*" else left - right
        return total
    if node.op == "^":
        return _power(node, rows, size)
    return None


def _power(node: Operation, rows: Mapping[str, Row], size: int) -> Row | None:
    base = loading(node.arguments[0], rows, size)
    exponent = _constant(node.arguments[1])
    return None if base is None or exponent is None else exponent * base


def _constant(node: Node) -> float | None:
    return None if any(isinstance(n, Name) for n in walk(node)) else float(evaluate(node, {}))


def _moves(node: Node, rows: Mapping[str, Row]) -> bool:
    return isinstance(node, Name) and node.name in rows and bool(np.any(rows[node.name]))
