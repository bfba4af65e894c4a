"""Reading TOML so that every complaint names file, line and column, and no key is overlooked.

tomllib says where a file is not TOML, but not where a value stood; :class:`Source` finds that again from the
text. A :class:`Table` hands out values by type and remembers which keys were asked for: a misspelt key is an
error, it does not silently keep a default.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable
from typing import Any

from caretwin.base.errors import DrugFileError

Path = tuple[str | int, ...]

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"\s*([A-Za-z0-9_.\-\"']+)\s*=\s*")


class Source:
    """The text of one file and where its values stand."""

    def __init__(self, name: str, text: str) -> None:
        self.name, self.text = name, text
        try:
            self.data: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            message = str(error)
            place = re.search(r"line (\d+), column (\d+)", message)
            where = f"{name}:{place[1]}:{place[2]}" if place else f"{name}:{text.count(chr(10)) + 1}:1"
            raise DrugFileError(
                where,
                seen=message.split(" (at")[0],
                wanted="a TOML file",
                fix="check quotes, brackets and doubled keys on that line",
            ) from None
        self._starts: dict[Path, int] | None = None

    def error(self, path: Path, *, seen: str, wanted: str, fix: str, offset: int | None = None) -> DrugFileError:
        """The error for the value at ``path``; ``offset`` characters into its string when that is known."""
        at = self.position(path)
        if offset is not None:
            at = self._inside(at) + offset
        line = self.text.count("\n", 0, at) + 1
        column = at - (self.text.rfind("\n", 0, at) + 1) + 1
        dotted = "".join(f"[{p + 1}]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".")
        return DrugFileError(f"{self.name}:{line}:{column}: {dotted}", seen=seen, wanted=wanted, fix=fix)

    def position(self, path: Path) -> int:
        """Offset of the value at ``path`` in the text, or of the nearest thing around it that is written
        down."""
        if self._starts is None:
            self._starts = _starts(self.text)
        for length in range(len(path), 0, -1):
            if path[:length] in self._starts:
                return self._inner(self._starts[path[:length]], path[length:])
        return 0

    def _inner(self, at: int, rest: Path) -> int:
        for key in rest:
            if isinstance(key, str):
                found = re.compile(rf"(?<![A-Za-z0-9_]){re.escape(key)}[\"']?\s*=\s*").search(self.text, at)
                if found is not None:
                    at = found.end()
        return at

    def _inside(self, at: int) -> int:
        for quote in ('"""', "'''"):
            if self.text.startswith(quote, at):
                return at + 3 + (self.text[at + 3 : at + 4] == "\n")
        return at + 1


def _starts(text: str) -> dict[Path, int]:
    starts: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    offset, end = 0, 0
    for line in text.splitlines(keepends=True):
        if offset >= end:
            header, key = _HEADER.match(line), _KEY.match(line)
            if header:
                table = _enter(header[1], header[2], counts)
                starts.setdefault(table, offset + header.start(1))
            elif key:
                path = (*table, *_parts(key[1]))
                starts.setdefault(path, offset + key.end())
                end = _value_end(text, offset + key.end())
        offset += len(line)
    return starts


def _enter(bracket: str, dotted: str, counts: dict[Path, int]) -> Path:
    path: Path = ()
    parts = _parts(dotted)
    for i, part in enumerate(parts):
        path = (*path, part)
        last = i == len(parts) - 1
        if last and bracket == "[[":
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _parts(dotted: str) -> Path:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def _value_end(text: str, at: int) -> int:
    for quote in ('"""', "'''"):
        if text.startswith(quote, at):
            return text.index(quote, at + 3) + 3
    depth, quoted = 0, ""
    for i in range(at, len(text)):
        c = text[i]
        if quoted:
            quoted = "" if c == quoted else quoted
        elif c in "\"'":
            quoted = c
        elif c in "[{":
            depth += 1
        elif c in "]}":
            depth -= 1
        elif c == "\n" and depth == 0:
            return i
    return len(text)


class Table:
    """One table of the file; asking for a value checks its type, :meth:`finish` complains about the rest."""

    def __init__(self, source: Source, data: dict[str, Any], path: Path = ()) -> None:
        self.source, self.data, self.path = source, data, path
        self._asked: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self.data

    def names(self) -> list[str]:
        """The keys in file order."""
        return list(self.data)

    def error(self, key: str | int, *, seen: str, wanted: str, fix: str, offset: int | None = None) -> DrugFileError:
        """The error for one of this table's values."""
        return self.source.error((*self.path, key), seen=seen, wanted=wanted, fix=fix, offset=offset)

    def text(self, key: str) -> str:
        """A string that must be there."""
        return str(self._get(key, (str,), "a text in quotes"))

    def text_or_none(self, key: str) -> str | None:
        """A string, or None when absent."""
        return self.text(key) if self._ask(key) else None

    def number(self, key: str) -> float:
        """A number that must be there."""
        return float(self._get(key, (int, float), "a number"))

    def number_or(self, key: str, default: float | None) -> float | None:
        """A number, or ``default`` when absent."""
        return self.number(key) if self._ask(key) else default

    def truth(self, key: str, default: bool = False) -> bool:
        """true or false; ``default`` when absent."""
        return bool(self._get(key, (bool,), "true or false")) if self._ask(key) else default

    def choice(self, key: str, options: Iterable[str], default: str | None = None) -> str:
        """One of ``options``."""
        options = list(options)
        if default is not None and not self._ask(key):
            return default
        found = self.text(key)
        if found not in options:
            raise self.error(key, seen=repr(found), wanted=f"one of {', '.join(options)}", fix=nearest(found, options))
        return found

    def numbers(self, key: str) -> tuple[float, ...]:
        """A list of numbers; empty when absent."""
        if not self._ask(key):
            return ()
        found = self._get(key, (list,), "a list of numbers")
        if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in found):
            raise self.error(key, seen=repr(found), wanted="a list of numbers", fix="write [1, 2, 3]")
        return tuple(float(v) for v in found)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings; empty when absent."""
        if not self._ask(key):
            return ()
        found = self._get(key, (list,), "a list of texts")
        if not all(isinstance(v, str) for v in found):
            raise self.error(key, seen=repr(found), wanted="a list of texts", fix='write ["one", "two"]')
        return tuple(found)

    def rows(self, key: str) -> tuple[Any, ...]:
        """A list of anything; empty when absent. The caller checks what is in it."""
        return tuple(self._get(key, (list,), "a list")) if self._ask(key) else ()

    def table(self, key: str) -> Table:
        """A table that must be there."""
        return Table(self.source, self._get(key, (dict,), "a table"), (*self.path, key))

    def table_or_none(self, key: str) -> Table | None:
        """A table, or None when absent."""
        return self.table(key) if self._ask(key) else None

    def table_or_empty(self, key: str) -> Table:
        """A table, or an empty one when absent."""
        return self.table(key) if self._ask(key) else Table(self.source, {}, (*self.path, key))

    def tables(self, key: str) -> list[Table]:
        """A list of tables ([[key]] or inline); empty when absent."""
        found = self.rows(key)
        for i, row in enumerate(found):
            if not isinstance(row, dict):
                raise self.error(key, seen=repr(row), wanted="a table", fix=f"write [[{key}]] above entry {i + 1}")
        return [Table(self.source, row, (*self.path, key, i)) for i, row in enumerate(found)]

    def finish(self) -> None:
        """Raise for the first key nobody asked for."""
        for key in self.data:
            if key not in self._asked:
                raise self.error(
                    key,
                    seen=f"the key {key!r}",
                    wanted=f"one of {', '.join(sorted(self._asked)) or 'nothing here'}",
                    fix=nearest(key, self._asked),
                )

    def _ask(self, key: str) -> bool:
        self._asked.add(key)
        return key in self.data

    def _get(self, key: str, kinds: tuple[type, ...], wanted: str) -> Any:
        if not self._ask(key):
            raise self.source.error(self.path, seen=f"no {key}", wanted=wanted, fix=f"add {key} = ... here")
        found = self.data[key]
        if not isinstance(found, kinds) or (isinstance(found, bool) and bool not in kinds):
            raise self.error(key, seen=repr(found), wanted=wanted, fix=f"{key} is {wanted}")
        return found


def nearest(word: str, options: Iterable[str]) -> str:
    """The fix for a word that is not among the options."""
    close = difflib.get_close_matches(word, list(options), n=1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else "remove it, or correct the spelling"
