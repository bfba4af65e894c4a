"""The address of a link by which somebody signs in."""

from __future__ import annotations


def link_address(origin: str, secret: str) -> str:
    """The address that a person opens: the secret stands where no browser sends it, so that no log has it."""
    return f"{origin}/#link={secret}"
