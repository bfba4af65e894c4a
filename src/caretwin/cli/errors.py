"""How a mistake looks on the command line: seen, wanted, fix; never a stack of Python frames."""

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
