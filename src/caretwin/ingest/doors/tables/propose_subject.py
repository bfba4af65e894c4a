"""Which column probably says whom a row is about, and who gives those numbers."""

from __future__ import annotations

from collections.abc import Sequence

from caretwin.base.counted import counted
from caretwin.base.errors import DataError
from caretwin.ingest.doors.tables import names
from caretwin.ingest.doors.tables.grid import Cell
from caretwin.ingest.doors.tables.mapping import SubjectRule
from caretwin.ingest.doors.tables.proposal import Choice, Hints, Proposal, Question
from caretwin.ingest.doors.tables.row import word_of
from caretwin.record.entry import SubjectKind
from caretwin.record.identifiers import NHS_NUMBER, nhs


def propose_subject(found: Proposal, left: dict[str, list[Cell]], hints: Hints) -> None:
    """Take the column of subjects out of ``left``, or ask."""
    if hints.subject:
        system = hints.system or "local:tables"
        found.set(subject=SubjectRule("", hints.subject, system))
        found.choices.append(Choice("-", "whom it is about", "You, or a line of the file, say whom the file is about."))
        return
    ranked = sorted((rank, name) for name in left if (rank := names.rank(name, names.SUBJECT)) is not None)
    if not ranked:
        text = "No column says whom a row is about."
        found.questions.append(Question(text, "--subject NUMBER for a file about one person, or column in [subject]"))
        return
    name = ranked[0][1]
    words = [word for word in map(word_of, left[name]) if word]
    system, why, doubts = _system(name, words, hints)
    many = len(set(words))
    kind: SubjectKind = names.kind_of(name)  # type: ignore[assignment]
    if "bed" in name.lower():
        doubts.append("A bed is not a person: whoever lies in it next would be taken for the same.")
    if any(isinstance(cell, float) for cell in left[name]) and many > 1:
        doubts.append("Its numbers are stored as numbers: leading zeros, if they had any, are lost.")
    empty = sum(not word_of(cell) for cell in left[name])
    if empty:
        doubts.append(f"{counted(empty, 'row')} of {len(left[name])} will be refused: about nobody.")
    found.set(subject=SubjectRule(name, "", system, kind))
    found.choices.append(Choice(name, "whom it is about", f"{why}; it holds {counted(many, kind)}.", tuple(doubts)))
    del left[name]
    for _, other in ranked[1:]:
        if other in left and names.rank(other, names.IDENTITY) is None and names.channel_named(other) is None:
            found.unused[other] = f"{name!r} says already whom a row is about"
            del left[other]


def _system(name: str, words: Sequence[str], hints: Hints) -> tuple[str, str, list[str]]:
    valid = sum(_is_nhs(word) for word in set(words))
    if valid and valid >= 0.9 * len(set(words)):
        wrong = len(set(words)) - valid
        doubts = [f"{wrong} of its numbers have a wrong check digit and will be refused."] if wrong else []
        return NHS_NUMBER, "Its numbers are NHS numbers with right check digits", doubts
    doubts = []
    if "nhs" in name.lower():
        doubts.append("Its name says NHS number, but few of its numbers have a right check digit.")
    if not hints.system:
        doubts.append("The numbers are called local:tables; write system in [subject] as your other doors call them.")
    return hints.system or "local:tables", "Its name says so", doubts


def _is_nhs(word: str) -> bool:
    try:
        return bool(nhs(word))
    except DataError:
        return False
