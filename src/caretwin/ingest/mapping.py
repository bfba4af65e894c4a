"""What a site's own codes mean: a table that people edit, one row for each code.

A mapping is a CSV file with the columns ``source, system, code, unit, channel, to_unit, note``. An empty cell fits
everything; ``channel`` names one of the vocabulary, or ``ignore`` for what nobody needs. ``to_unit`` tells the unit
of values that come without one, or whose unit is written in a way that we cannot read.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from caretwin.base.errors import DataError
from caretwin.ingest.decoded import Code
from caretwin.ingest.meanings import check_unit, no_channel
from caretwin.record.store.keep import Unmapped
from caretwin.record.vocabulary import by_code, vocabulary

COLUMNS = ("source", "system", "code", "unit", "channel", "to_unit", "note")
IGNORE = "ignore"


@dataclass(frozen=True)
class Rule:
    """One row of a mapping; an empty field fits everything."""

    source: str
    system: str
    code: str
    unit: str
    channel: str
    to_unit: str = ""

    def fits(self, source: str, code: Code, unit: str) -> bool:
        """Whether the rule speaks of this code of this source."""
        wanted = ((self.source, source), (self.system, code.system), (self.unit, unit))
        return self.code.casefold() == code.code.casefold() and all(one in ("", seen) for one, seen in wanted)


@dataclass(frozen=True)
class Meaning:
    """What a code means: a channel (or IGNORE), and the unit of its values ("" : as sent)."""

    channel: str
    unit: str = ""


class CodeMapping:
    """A site's rules before the standard codes: the first rule that fits holds.

    >>> from caretwin.ingest.decoded import Code
    >>> CodeMapping([]).meaning("hl7v2:icu", [Code("local:icu", "PULS"), Code("http://loinc.org", "8867-4")], "/min")
    Meaning(channel='heart_rate', unit='')
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        self._by_code: dict[str, list[Rule]] = {}
        for rule in self.rules:
            self._by_code.setdefault(rule.code.casefold(), []).append(rule)

    def speaks_of(self, source: str, system: str, code: str, unit: str) -> bool:
        """Whether any rule, filled in or not, is about a code as it came."""
        rules = self._by_code.get(code.casefold(), ())
        return any(rule.fits(source, Code(system, code), unit) for rule in rules)

    def meaning(self, source: str, codes: Sequence[Code], unit: str) -> Meaning | None:
        """What a value's codings mean, None when none is known: any coding may be the one that is."""
        for code in codes:
            for rule in self._by_code.get(code.code.casefold(), ()):
                if rule.fits(source, code, unit):
                    return Meaning(rule.channel, rule.to_unit)
        for code in codes:
            channel = by_code().get((code.system, code.code))
            if channel is not None:
                return Meaning(channel)
        for code in codes:
            if code.system in ("", "caretwin") and code.code in vocabulary():
                return Meaning(code.code)
        return None


def read_mapping(path: str | Path) -> CodeMapping:
    """Read a mapping file.

    Raises DataError for a file without the columns, an unknown channel, and a unit that cannot be read or cannot be of
    its channel, with the line.
    """
    if not Path(path).is_file():
        raise DataError(
            f"mapping {path}",
            seen="no such file",
            wanted="a CSV file",
            fix="caretwin record unmapped RECORD --csv FILE makes one to fill in",
        )
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        table = csv.DictReader(file)
        missing = [name for name in ("code", "channel") if name not in (table.fieldnames or ())]
        if missing:
            raise DataError(
                f"mapping {path}",
                seen=f"no column {missing[0]!r}",
                wanted=", ".join(COLUMNS),
                fix="write the header row; caretwin record unmapped --csv makes a file to fill in",
            )
        filled = [(table.line_num, row) for row in table if (row["channel"] or "").strip()]
        return CodeMapping([rule_of(f"mapping {path}, line {number}", row) for number, row in filled])


def with_unmapped(path: str | Path, seen: Sequence[Unmapped]) -> tuple[str, int]:
    """The text of a mapping file with rows to fill in for the codes that it does not have yet, and how many they are.

    path  where it is, or will be; its rows stay as somebody wrote them
    Raises DataError for a file that is no mapping.
    """
    there = Path(path)
    rows = cells_of(there) if there.is_file() else [list(COLUMNS)]
    header = [*rows[0], *(name for name in COLUMNS if name not in rows[0])]
    known = [dict(zip(header, row, strict=False)) for row in rows[1:]]
    rules = CodeMapping([Rule(*(one.get(name, "").strip() for name in COLUMNS[:5])) for one in known])
    names = COLUMNS[:4]
    new = [one for one in to_fill_in(seen) if not rules.speaks_of(*(one[name] for name in names))]
    out = io.StringIO()
    table = csv.writer(out)
    table.writerows([header, *rows[1:]])
    table.writerows([one.get(name, "") for name in header] for one in new)
    return out.getvalue(), len(new)


def cells_of(path: Path) -> list[list[str]]:
    """The rows of a mapping as they stand in the file. Raises DataError for what is none."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if row]
        missing = [name for name in ("code", "channel") if not rows or name not in rows[0]]
        seen = f"no column {missing[0]!r}" if missing else ""
    except (UnicodeDecodeError, csv.Error):
        seen = "bytes that are no text in UTF-8"
    if seen:
        raise DataError(f"mapping {path}", seen=seen, wanted=", ".join(COLUMNS), fix="name another file")
    return rows


def to_fill_in(seen: Iterable[Unmapped]) -> list[dict[str, str]]:
    """Rows of a mapping file for codes that could not be mapped, their channel left open."""
    return [
        {
            "source": one.source, "system": one.system, "code": one.code, "unit": one.unit,
            "channel": "", "to_unit": "",
            "note": f"{one.display}; seen {one.times} times, such as {one.example}".strip("; "),
        }
        for one in seen
    ]  # fmt: skip


def rule_of(where: str, row: Mapping[str, str | None]) -> Rule:
    """The rule that a row says.

    where  the row stands, for the message
    Raises DataError for an unknown channel, and a unit that cannot be read or cannot be of its channel.
    """
    fields = {name: (row.get(name) or "").strip() for name in COLUMNS}
    if fields["channel"] not in vocabulary() and fields["channel"] != IGNORE:
        raise no_channel(where, fields["channel"], IGNORE, key="channel ")
    if fields["to_unit"] and fields["channel"] != IGNORE:
        check_unit(f"{where}, to_unit", fields["to_unit"], fields["channel"])
    return Rule(*(fields[name] for name in ("source", "system", "code", "unit", "channel", "to_unit")))
