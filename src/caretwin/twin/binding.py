"""Which twins a subject's data can carry: a model is bound when the record offers what it cannot do without.

What it lives on better than without is named too, so that a site sees what a missing channel costs.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from caretwin.record.entry import SubjectKind


class Need(NamedTuple):
    """What a twin needs: one of ``any_of``; ``gains`` are groups of which one channel each makes it better."""

    twin: str
    kinds: tuple[SubjectKind, ...]
    any_of: tuple[str, ...]
    gains: tuple[tuple[str, ...], ...]


class Binding(NamedTuple):
    """A twin and a subject: whether it lives, on what, and what it would gain from (one of each group)."""

    twin: str
    bound: bool
    lives_on: tuple[str, ...]
    missing: tuple[tuple[str, ...], ...]

    def sentence(self) -> str:
        """In words.

        >>> Binding("glucose and insulin", False, (), (("glucose",),)).sentence()
        'glucose and insulin: no twin; it needs glucose'
        """

        def words(groups: Collection[tuple[str, ...]]) -> str:
            return ", ".join(" or ".join(name.replace("_", " ") for name in group) for group in groups)

        if not self.bound:
            return f"{self.twin}: no twin; it needs {words(self.missing)}"
        lives = f"{self.twin}: lives on {words([(name,) for name in self.lives_on])}"
        return f"{lives}; would gain from {words(self.missing)}" if self.missing else lives


NEEDS = (
    Need(
        "lung, gases and circulation",
        ("patient",),
        ("heart_rate", "mean_arterial_pressure", "systolic_pressure", "oxygen_saturation", "respiratory_rate"),
        (
            ("mean_arterial_pressure", "systolic_pressure"),
            ("oxygen_saturation",),
            ("fio2", "oxygen_flow"),
            ("arterial_oxygen_pressure",),
            ("arterial_carbon_dioxide_pressure",),
            ("haemoglobin",),
            ("weight",),
            ("height",),
        ),
    ),
    Need(
        "glucose and insulin",
        ("patient",),
        ("glucose",),
        (("insulin",), ("enteral_glucose", "parenteral_glucose"), ("weight",)),
    ),
)
"""Twins of persons that can be bound today; each drug's twin is asked for by name (``caretwin dose``)."""


def bindings(kind: SubjectKind, codes: Collection[str]) -> tuple[Binding, ...]:
    """The twins that there can be of a subject.

    codes  channels of which the record has a value that can be used
    """
    return tuple(_binding(need, set(codes)) for need in NEEDS if kind in need.kinds)


def _binding(need: Need, codes: set[str]) -> Binding:
    if not codes & set(need.any_of):
        return Binding(need.twin, False, (), (need.any_of,))
    groups = (need.any_of, *need.gains)
    lives_on = dict.fromkeys(name for group in groups for name in group if name in codes)
    missing = tuple(group for group in need.gains if not codes & set(group))
    return Binding(need.twin, True, tuple(lives_on), missing)
