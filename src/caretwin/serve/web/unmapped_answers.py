"""Codes that nobody mapped, with what they may mean, and all that a code can mean."""

from __future__ import annotations

from collections.abc import Sequence

from caretwin.ingest.suggestions import suggested
from caretwin.record.store.keep import Unmapped
from caretwin.record.vocabulary import vocabulary
from caretwin.serve.channel_groups import group_of, kind_of, title_of
from caretwin.serve.web.views.quality import Suggested, UnmappedCode, UnmappedCodes, VocabularyTerm

MOST_CODES = 200
"""Codes that are told at once: whoever has mapped those sees the next (assumed)."""


def unmapped_codes(found: Sequence[Unmapped], now: int, *, whole: bool) -> UnmappedCodes:
    """The most frequent codes; whole: with examples of what was sent."""
    codes = [_code(one, whole) for one in found[:MOST_CODES]]
    return UnmappedCodes(now=now, codes=codes, more=max(len(found) - MOST_CODES, 0))


def _code(one: Unmapped, whole: bool) -> UnmappedCode:
    return UnmappedCode(
        door=one.source, system=one.system, code=one.code, unit=one.unit, display=one.display, times=one.times,
        first=one.first, last=one.last, example=one.example if whole else None,
        suggestions=[
            Suggested(
                channel=channel, title=title_of(channel), unit=vocabulary()[channel].unit, likeness=likeness, fits=fits
            )
            for channel, likeness, fits in suggested(one.code, one.display, one.unit)
        ],
    )  # fmt: skip


def terms() -> list[VocabularyTerm]:
    """The vocabulary, in the order of names."""
    return [
        VocabularyTerm(
            channel=name, title=title_of(name), unit=term.unit, low=term.low, high=term.high, kind=kind_of(term),
            group=group_of(name), about=term.about,
        )
        for name, term in sorted(vocabulary().items())
    ]  # fmt: skip
