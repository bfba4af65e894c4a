"""Parts of requests that several pages have: what is not of this form is refused before a handler sees it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

SubjectKey = Annotated[str, Field(pattern="^[prl][0-9a-f]{4,32}$", description="Key of a person or a place.")]
"""A key as the record makes them (letter of the kind, then digits of a digest)."""


def _printable(text: str) -> str:
    if not all(one.isprintable() or one in "\n\t" for one in text):
        raise ValueError("characters that cannot be shown")
    return text


Text = Annotated[str, AfterValidator(_printable)]
"""What a person wrote: nothing in it steers a terminal, or ends a text in a database."""
