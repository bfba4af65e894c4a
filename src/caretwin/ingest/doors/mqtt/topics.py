"""Topic patterns with named levels: ``homes/{home}/rooms/{room}/+`` and what a topic says when it fits one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from caretwin.base.errors import DataError

_NAMED = re.compile(r"\{([a-z][a-z0-9_]*)(\*?)\}")
LONGEST = 65_535
"""Bytes of a topic (OASIS MQTT 5.0, section 1.5.4: a UTF-8 string has a two-byte length)."""


@dataclass(frozen=True)
class TopicPattern:
    """A pattern of topics.

    text    levels that stand for themselves; ``{name}`` is one level, ``{name*}`` at the end all that follow, ``+`` and
            ``#`` the same without a name
    filter  what to subscribe to; names  of its levels
    """

    text: str
    filter: str
    names: frozenset[str]
    _fits: re.Pattern[str]

    def read(self, topic: str) -> Mapping[str, str] | None:
        """The named levels of a topic; None where it does not fit.

        >>> topic_pattern("homes/{home}/rooms/{room}/+").read("homes/elm/rooms/12/air")
        {'home': 'elm', 'room': '12'}
        """
        found = self._fits.fullmatch(topic)
        return None if found is None else found.groupdict()


def topic_pattern(text: str) -> TopicPattern:
    """The pattern of a text.

    Raises DataError for an empty one, a wildcard within a level, and one for all that follows before the end.

    >>> topic_pattern("homes/{home}/rooms/{room*}").filter
    'homes/+/rooms/#'
    """
    levels, names, parts, filters = text.split("/"), set[str](), list[str](), list[str]()
    for i, level in enumerate(levels):
        named = _NAMED.fullmatch(level)
        rest = level == "#" or (named is not None and named[2] == "*")
        if (rest and i + 1 < len(levels)) or (named is None and level not in "+#" and re.search(r"[+#{}]", level)):
            raise _unreadable(text)
        if named is not None and named[1] in names:
            raise _unreadable(text)
        name = named[1] if named else ""
        names |= {name} if name else set()
        shape = "[^/]*" if not rest else ".*"
        wild = bool(name) or level in ("+", "#")
        parts.append(f"(?P<{name}>{shape})" if name else shape if wild else re.escape(level))
        filters.append("#" if rest else "+" if wild else level)
    if not text or len(text.encode()) > LONGEST:
        raise _unreadable(text)
    return TopicPattern(text, "/".join(filters), frozenset(names), re.compile("/".join(parts), re.DOTALL))


def _unreadable(text: str) -> DataError:
    return DataError(
        f"topic pattern {text[:80]!r}",
        seen="a pattern that no topic can fit, or a name twice",
        wanted="levels between slashes, each a word, {name} or +; the last may be {name*} or #",
        fix='write it such as "homes/{home}/rooms/{room}/climate"',
    )
