"""Names of columns in other languages than English: data (``headings.toml``), found with and without accents."""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

LANGUAGES = ("de", "fr", "nl", "es")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def bare(text: str) -> str:
    """A name without its accents.

    >>> bare("größe"), bare("fréquence")
    ('grosse', 'frequence')
    """
    parts = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    return "".join(sign for sign in parts if not unicodedata.combining(sign))


def spellings(word: str) -> tuple[str, ...]:
    """How a word may stand in a file: as it is, without accents, and with umlauts in two letters.

    >>> spellings("größe")
    ('größe', 'grosse', 'groesse')
    """
    return tuple(dict.fromkeys((word, bare(word), bare(word.translate(_UMLAUTS)))))


@cache
def channel_words() -> Mapping[str, str]:
    """The channel, or ``"blood_pressure"``, of every word in any spelling."""
    table = _table()
    return {
        spelled: channel
        for language in LANGUAGES
        for channel, words in table[language].items()
        for word in words
        for spelled in spellings(word)
    }


@cache
def ambiguous_words() -> Mapping[str, str]:
    """What a word could be that is two things."""
    found: Mapping[str, str] = _table()["ambiguous"]
    return {spelled: both for word, both in found.items() for spelled in spellings(word)}


def in_any_spelling(words: Mapping[str, str], name: str) -> str | None:
    """What a name means, written with accents, without, or with some of them."""
    return words.get(name) or words.get(bare(name))


def with_languages(role: str, english: Iterable[str]) -> tuple[str, ...]:
    """Names of a role, such as ``"time"``: the English ones, then the others."""
    words = [spelled for word in _table()["roles"][role] for spelled in spellings(word)]
    return tuple(dict.fromkeys((*english, *words)))


@cache
def _table() -> Mapping[str, Any]:
    text = (files("caretwin.ingest.doors.tables") / "headings.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
