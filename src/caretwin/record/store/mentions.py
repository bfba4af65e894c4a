"""Whether a text that nobody could read speaks of a person: by the numbers and words that the person is known by."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable
from urllib.parse import quote

SHORTEST = 4
"""Characters of a number or word that is looked for: shorter ones stand in messages of everybody (assumed)."""
WIDE = ("utf-16-le", "utf-16-be")


def mentions(words: Iterable[str]) -> re.Pattern[bytes] | None:
    """A pattern that finds any of the words in a message as it came; None where none is long enough.

    A word is found whole, not within a longer one, in small and capital letters; as JSON, XML, URLs and UTF-16 write
    it too, and a number of digits alone also in groups (943 476 5919). What is compressed or coded otherwise is not
    found.

    >>> found = mentions(["9434765919"])
    >>> found is not None and bool(found.search(b"PID|1||943 476 5919^^^NHS"))
    True
    """
    long = sorted({word.strip() for word in words if len(word.strip()) >= SHORTEST})
    spelled = [one for word in long for one in _spellings(word)]
    return re.compile(b"|".join(spelled), re.IGNORECASE) if spelled else None


def _spellings(word: str) -> list[bytes]:
    """Patterns of one word."""
    whole = rb"(?<![0-9A-Za-z])%b(?![0-9A-Za-z])"
    if word.isascii() and word.isdigit():
        return [whole % rb"[ -]?".join(re.escape(digit.encode()) for digit in word), *_wide(word)]
    written = {word, json.dumps(word)[1:-1], word.replace("/", "\\/"), html.escape(word), quote(word), quote(word, "")}
    coded = {one.encode() for one in written} | {word.encode("latin-1", "ignore")}
    return [*(whole % re.escape(one) for one in sorted(coded) if len(one) >= SHORTEST), *_wide(word)]


def _wide(word: str) -> list[bytes]:
    return [re.escape(word.encode(code)) for code in WIDE]
