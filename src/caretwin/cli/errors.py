"""How a mistake looks on the command line: seen, wanted, fix; never a stack of Python frames."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from caretwin.base.errors import CaretwinError


@contextmanager
def explained() -> Iterator[None]:
    """Turns caretwin's own errors into a message and exit code 1."""
    try:
        yield
    except CaretwinError as error:
        raise click.ClickException(str(error)) from error


def friendly(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorates a command's function with :func:`explained`."""
    from functools import wraps

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with explained():
            return command(*args, **kwargs)

    return wrapped


class FiniteRange(click.FloatRange):
    """A number within a range; "nan" and "inf", which Python reads as numbers too, are refused."""

    def _describe_range(self) -> str:
        """Nothing where there are no bounds; click would show a bound of None."""
        return "" if self.min is None and self.max is None else super()._describe_range()

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number; a usage error when it is none."""
        found = super().convert(value, param, ctx)
        if not math.isfinite(found):
            self.fail(f"{value!r} is not a number that can be used", param, ctx)
        return found
