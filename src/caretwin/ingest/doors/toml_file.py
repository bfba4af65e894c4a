"""What the TOML files of doors have in common: tables with known keys, subjects, codes, and words that are numbers."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from caretwin.base.errors import DataError
from caretwin.ingest.decoded import Code
from caretwin.ingest.meanings import check_unit, nearest, no_channel
from caretwin.record.entry import SubjectKind
from caretwin.record.vocabulary import by_code, vocabulary

SUBJECT_KEYS = {"system": str, "value": str, "kind": str}
WORDS: Mapping[str, float] = {"on": 1.0, "off": 0.0, "true": 1.0, "false": 0.0}
"""Words that are values wherever no mapping says otherwise."""
_NAMES = {
    str: "a text",
    dict: "a table",
    list: "an array of tables",
    float: "a number",
    int: "a whole number",
    bool: "true or false",
}


def table_of(path: str | Path) -> dict[str, Any]:
    """A TOML file. Raises DataError for one that is missing or is no TOML."""
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as problem:
        seen = problem.strerror or "it cannot be read"
        raise DataError(f"{path}", seen=seen, wanted="a TOML file", fix="look at its name and its rights") from None
    except ValueError as problem:
        raise DataError(f"{path}", seen=str(problem), wanted="TOML in UTF-8", fix="mend the line") from None


def check(entry: Any, keys: Mapping[str, type], where: str, needed: Sequence[str] = ()) -> None:
    """Whether a table has the keys that it may have, of the right kind. Raises DataError otherwise."""
    if not isinstance(entry, dict):
        raise DataError(where, seen="no table", wanted=", ".join(keys), fix="write it as a table")
    strange = sorted(entry.keys() - keys.keys())
    missing = [name for name in needed if name not in entry]
    wrong = [name for name, kind in keys.items() if name in entry and not _is(entry[name], kind)]
    if strange or missing or wrong:
        seen = f"an unknown key {strange[0]!r}" if strange else f"no {missing[0]}" if missing else ""
        seen = seen or f"{wrong[0]} that is not {_NAMES[keys[wrong[0]]]}"
        raise DataError(where, seen=seen, wanted="keys among " + ", ".join(keys), fix="mend this table")


def _is(found: Any, kind: type) -> bool:
    number = isinstance(found, int | float) and not isinstance(found, bool)
    return number if kind is float else isinstance(found, kind) and (number or kind is not int)


def subject_of(entry: Any, where: str) -> tuple[str, str, SubjectKind]:
    """System, value and kind of a subject's table. Raises DataError."""
    check(entry, SUBJECT_KEYS, f"{where}, subject", ("system", "value", "kind"))
    kinds: tuple[SubjectKind, ...] = get_args(SubjectKind)
    if entry["kind"] not in kinds:
        raise DataError(
            f"{where}, subject", seen=f"kind = {entry['kind']!r}", wanted=", ".join(kinds), fix="write one of them"
        )
    return entry["system"], entry["value"], entry["kind"]


def coded(code: str, system: str, own: str, where: str, unit: str = "") -> Code:
    """A code of a system; without one a channel of the vocabulary, or else a code of the system ``own``.

    unit  in which its values come, "" where the mapping does not say it
    Raises DataError for what is probably a channel that was misspelt, and for a unit that cannot be of the channel.
    """
    found = Code(system or ("caretwin" if code in vocabulary() else own), code)
    if found.system == "caretwin" and code not in vocabulary():
        raise no_channel(where, code, key="code = ")
    if not system and code not in vocabulary() and nearest(code):
        raise no_channel(where, code, f'a code of your own with its system, such as system = "{own}"', key="code = ")
    channel = code if found.system == "caretwin" else by_code().get((found.system, code))
    if channel and unit:
        check_unit(where, unit, channel)
    return found


def words_of(entry: Any, where: str) -> Mapping[str, float]:
    """What words mean, in small letters. Raises DataError for a word that is no number."""
    for word, value in (entry or {}).items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise DataError(where, seen=f"words.{word} that is no number", wanted="such as OPEN = 1", fix="mend it")
    return {word.casefold(): float(value) for word, value in entry.items()} if entry else WORDS
