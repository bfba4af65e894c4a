"""Who a subject is and whether they are here, from what was measured and said, in whatever order that came."""

from __future__ import annotations

from collections.abc import Collection

from caretwin.record.bedside import Person, Quality, Sex
from caretwin.record.bedside_reading import age
from caretwin.twin.living.stays import Stay, left
from caretwin.twin.living.track import Value

BODY = ("weight", "height")
"""Channels that are of the person and not of a minute."""


class Facts:
    """What is known of a person; each fact by the sequence number of its entry."""

    def __init__(self) -> None:
        self._sizes: dict[str, dict[int, tuple[int, float]]] = {name: {} for name in BODY}
        self._said: dict[int, tuple[int, str, str]] = {}
        self._stays: dict[int, Stay] = {}

    def measure(self, value: Value) -> None:
        """Take in a weight or a height that can be used."""
        if value.value is not None and value.quality == Quality.GOOD:
            self._sizes[value.channel][value.sequence] = (value.effective, value.value)

    def tell(self, sequence: int, said: Stay) -> None:
        """Take in what was said of the person (``sex`` and ``birth_date``), and who is here: both kinds of events say
        so.
        """
        self._stays[sequence] = said
        if said.kind == "person":
            facts = (said.begun, str(said.body.get("birth_date") or ""), str(said.body.get("sex") or ""))
            self._said[sequence] = facts

    def drop(self, sequence: int) -> None:
        """What an entry said no longer holds."""
        for sizes in self._sizes.values():
            sizes.pop(sequence, None)
        self._said.pop(sequence, None)
        self._stays.pop(sequence, None)

    def stays(self) -> Collection[Stay]:
        """All that was said of who is here."""
        return self._stays.values()

    def left(self) -> int | None:
        """When the person left or died (us), None for who is here (see :mod:`caretwin.twin.living.stays`)."""
        return left(self._stays.values()) if self._stays else None

    def person(self, subject: str, begun: int | None) -> Person:
        """The person: first weight and height, so that a daily weight does not make another, and the age at ``begun``
        (us).
        """
        first = {name: min(sizes.values())[1] for name, sizes in self._sizes.items() if sizes}
        facts = sorted(self._said.values())
        sexes: list[Sex] = [sex for _, _, sex in facts if sex in ("female", "male")]  # type: ignore[misc]
        births = [birth for _, birth, _ in facts if birth]
        years = age(births[-1], begun) if births and begun is not None else None
        return Person(subject, sexes[-1] if sexes else None, years, first.get("height"), first.get("weight"))
