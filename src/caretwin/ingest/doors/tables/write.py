"""A mapping as the TOML file that a person reads and edits; open questions stand in it where they are answered."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from caretwin.base.time import from_microseconds
from caretwin.ingest.doors.tables.mapping import STATUSES, Channelled, TableMapping
from caretwin.ingest.doors.tables.proposal import Proposal
from caretwin.ingest.doors.tables.times import TimeRule


def to_toml(found: Proposal) -> str:
    """The mapping of a proposal, its doubts and questions as comments."""
    mapping = found.mapping
    why = {choice.column: choice.doubts for choice in found.choices}
    lines = [
        "# What the columns of a table are (docs/doors/tables.md). Proposed by caretwin ingest preview: read it once."
    ]
    lines += [f"# QUESTION  {one.text} ({one.fix})" for one in found.questions]
    layout = mapping.layout
    # encoding and header are found anew in every file: the next export may have another title
    said = {"delimiter": layout.delimiter, "decimal": layout.decimal, "sheet": layout.sheet}
    lines += ["", *_section("file", said)]
    subject = mapping.subject
    who = {"column": subject.column, "value": subject.value, "system": subject.system, "kind": subject.kind}
    lines += ["", *_section("subject", who, why.get(subject.column, ()))]
    lines += ["", *_time("time", mapping.time, why.get(" + ".join(mapping.time.columns), ()))]
    if mapping.issued.columns:
        lines += ["", *_time("issued", mapping.issued)]
    if mapping.long is not None:
        long = mapping.long
        lines += [
            "",
            *_section("long", {"code": long.code, "value": long.value, "unit": long.unit, "system": long.system}),
        ]
    codes = {one.code: one.doubts for one in found.codes}
    for one in mapping.columns:
        lines += ["", *_channelled("column", "name", one, why.get(one.name, ()))]
    for one in mapping.codes:
        lines += ["", *_channelled("code", "code", one, codes.get(one.name, ()))]
    lines += _more(mapping, why)
    unused = [f"# {name}: {reason}" for name, reason in found.unused.items()]
    return "\n".join(_first(lines, mapping, unused)) + "\n"


def _first(lines: list[str], mapping: TableMapping, unused: list[str]) -> Iterable[str]:
    """Keys without a section have to stand before the first one."""
    place = next(number for number, line in enumerate(lines) if line.startswith("["))
    ignored = [*unused, f"ignored = {_plain(list(mapping.ignored))}"] if mapping.ignored else []
    return [*lines[:place], *ignored, *([""] if ignored else []), *lines[place:]]


def _more(mapping: TableMapping, why: Mapping[str, Iterable[str]]) -> list[str]:
    lines: list[str] = []
    for title, values in (
        ("person", {"sex": mapping.sex, "birth_date": mapping.birth_date}),
        ("id", {"column": mapping.id, "version": mapping.version}),
        ("device", {"column": mapping.device}),
    ):
        if any(values.values()):
            lines += ["", *_section(title, values)]
    if mapping.status:
        lines += ["", *_section("status", {"column": mapping.status}, why.get(mapping.status, ()))]
        own = {word: status.name.lower() for word, status in mapping.statuses.items() if STATUSES.get(word) != status}
        lines += [f"words = {_plain(own)}"] if own else ['# words = { "void" = "retracted" }']
    return lines


def _time(title: str, rule: TimeRule, doubts: Iterable[str] = ()) -> list[str]:
    one = {"column": rule.columns[0]} if len(rule.columns) == 1 else {"columns": list(rule.columns)}
    lines = _section(title, {**one, "zone": rule.zone}, doubts)
    lines.append(f'format = "{rule.format}"' if rule.format else 'format = ""  # "dmy" or "mdy": which comes first?')
    if rule.origin is not None:
        lines.append(f"origin = {from_microseconds(rule.origin).isoformat()}")
    return [*lines, *(["future = true"] if rule.future else [])]


def _channelled(table: str, key: str, one: Channelled, doubts: Iterable[str]) -> list[str]:
    lines = [*(f"# {doubt}" for doubt in doubts), f"[[{table}]]", f"{key} = {_plain(one.name)}"]
    lines.append(f"channel = {_plain(one.channel)}")
    lines += [f"unit = {_plain(one.unit)}"] if one.unit else []
    return [*lines, *([f"words = {_plain(dict(one.words))}"] if one.words else [])]


def _section(title: str, values: Mapping[str, Any], doubts: Iterable[str] = ()) -> list[str]:
    kept = [f"{name} = {_plain(value)}" for name, value in values.items() if value not in ("", 0, None)]
    return [*(f"# {doubt}" for doubt in doubts), f"[{title}]", *kept]


def _plain(value: Any) -> str:
    """A value as TOML writes it: JSON's strings are basic strings of TOML."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(name)} = {_plain(one)}" for name, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_plain(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)
