"""FHIR's JSON, read with care: bounded, in UTF-8, every key once, no number that is none (FHIR R4, section 2.6.2).

What is wrong is told by its place and kind, never by repeating what stands there: it may be about a person.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Literal, NoReturn

from caretwin.ingest.decoded import Refusal, RefusedError

MOST_BYTES = 16 * 1024 * 1024
"""Largest message that is read, unless a setting says otherwise (bytes; assumed: 20,000 observations)."""
DEEPEST = 64
"""Levels of objects and lists within one another; the official examples need 17."""
_BOM = b"\xef\xbb\xbf"
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
"""Control characters that a FHIR string must not have (section 2.24.0.1), and halves of surrogate pairs."""
_EMPTY = re.compile(rb"\{\s*\}|\[\s*\]")
_MEDIA = ("application/fhir+json", "application/json", "application/json+fhir", "text/json")


def refusal(
    place: str,
    seen: str,
    wanted: str,
    fix: str,
    code: Literal["structure", "required", "value", "not-supported", "not-found", "conflict", "processing"] = "value",
) -> RefusedError:
    """An error that says why something is refused; ``place`` is a FHIRPath."""
    return RefusedError(Refusal(place, seen, wanted, fix, code))


def plain(raw: bytes) -> bytes:
    """The message without a byte-order mark, which JSON does not have and some systems send."""
    return raw.removeprefix(_BOM)


def parsed(raw: bytes, place: str) -> Any:
    """A JSON text as dictionaries and lists.

    Raises RefusedError for bytes that are not UTF-8, text that is not JSON, a key that stands twice, NaN, an infinite
    number, a control character, and more than DEEPEST levels.
    """
    try:
        text = raw.decode("utf-8")
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number, parse_float=_finite)
    except UnicodeDecodeError as problem:
        raise refusal(
            place, f"a byte that is not UTF-8, at {problem.start}", "UTF-8", "send UTF-8", "structure"
        ) from None
    except RecursionError:
        raise _too_deep(place) from None
    except _TwiceError as problem:
        seen = f"the element {str(problem)[:64]!r} twice in one object"
        raise refusal(place, seen, "every element once", "remove one of them", "structure") from None
    except json.JSONDecodeError as problem:
        seen = f"{problem.msg}, line {problem.lineno}, column {problem.colno}"
        raise refusal(place, seen, "one JSON object", "send FHIR R4 in JSON", "structure") from None
    except ValueError:
        raise refusal(
            place, "a number that no computer holds", "a finite number", "mend the number", "structure"
        ) from None
    _check(found, place)
    return found


def same_content(raw: bytes, written: bytes) -> bool:
    """Whether what was read from ``raw``, and ``written`` again, can be all that ``raw`` says; False when unsure.

    Every key has two quotation marks: with one that we do not know, or one that stands twice, fewer are written than
    were read. An empty text, object or list, and an escape that may hide a control character, make it unsure.
    """
    if b"\\" in raw and (b"\\u" in raw or b"\\\\" in raw):
        return False
    if b'""' in raw or _EMPTY.search(raw):
        return False
    return _quotes(raw) == _quotes(written)


def is_json(content_type: str) -> bool:
    """Whether a media type names JSON in UTF-8, the one format that is read here."""
    media, *parameters = (part.strip().lower() for part in content_type.split(";"))
    charsets = [one.removeprefix("charset=").strip('"') for one in parameters if one.startswith("charset=")]
    return media in _MEDIA and all(one in ("utf-8", "utf8") for one in charsets)


def _quotes(text: bytes) -> int:
    return text.count(b'"') - text.count(b'\\"')


class _TwiceError(Exception):
    """A key stands twice in one object: which one counts, parsers do not agree about."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise _TwiceError(next(name for name in names if names.count(name) > 1))
    return found


def _no_number(word: str) -> NoReturn:
    raise ValueError(word)


def _finite(text: str) -> float:
    value = float(text)
    if value - value != 0.0:
        raise ValueError(text[:10])
    return value


def _too_deep(place: str) -> RefusedError:
    seen, wanted = "more levels than a resource has", f"at most {DEEPEST} levels of objects and lists"
    return refusal(place, seen, wanted, "send resources as FHIR R4 defines them", "structure")


def _check(found: Any, place: str) -> None:
    """Depth, characters and lengths, level by level: no recursion that a sender could drive."""
    level = [found]
    for _ in range(DEEPEST):
        if not level:
            return
        level = [child for one in level for child in _children(one, place)]
    if level:
        raise _too_deep(place)


def _children(one: Any, place: str) -> Iterator[Any]:
    if isinstance(one, dict):
        for name, child in one.items():
            _characters(name, place)
            yield child
    elif isinstance(one, list):
        yield from one
    elif isinstance(one, str):
        _characters(one, place)


def _characters(text: str, place: str) -> None:
    if _FORBIDDEN.search(text):
        wanted = "text without control characters and broken surrogate pairs"
        raise refusal(place, "a text with a character that FHIR forbids", wanted, "remove the character", "structure")
