"""A running site in plain lines, for a log or a service: one when a door's state changes, or something was refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from caretwin.cli.live_tables import address, never_used, remark
from caretwin.ingest.intake import Intake

QUIET_S = 10.0
"""s between two lines about the troubles of one door: what is refused may be refused a hundred times a second."""


WARD_EVERY_S = 10.0
"""s between two lines about the ward, if it changes as often; what has not changed is not said again."""


class WardLines:
    """What there is to say of the ward since it was said last."""

    def __init__(self) -> None:
        self._said: tuple[str, ...] = ()
        self._at: float | None = None

    def news(self, lines: tuple[str, ...], now_s: float) -> tuple[str, ...]:
        """Of the lines of a moment (s of any clock that goes forward) those that are new, if it is time for that."""
        self._at = now_s if self._at is None else self._at
        if now_s - self._at < WARD_EVERY_S or lines == self._said:
            return ()
        new = tuple(line for line in lines if line not in self._said)
        self._said, self._at = lines, now_s
        return new


@dataclass
class _Told:
    """What was told of a door last."""

    listening: str = ""
    trouble: str = ""
    refused: int = 0
    at: float = -QUIET_S
    unusable: int = 0
    unusable_at: float = -QUIET_S


class DoorLines:
    """What there is to say of doors since it was said last."""

    def __init__(self) -> None:
        self._told: dict[str, _Told] = {}

    def news(self, intakes: Iterable[Intake], now_s: float) -> list[str]:
        """The lines of a moment (s of any clock that goes forward): what is open, what closed, what was refused."""
        return [line for intake in intakes for line in self._of(intake, now_s)]

    def _of(self, intake: Intake, now_s: float) -> list[str]:
        told, state = self._told.setdefault(intake.door.name, _Told()), intake.state
        name, lines = f"door {intake.door.name} ({intake.door.kind})", list[str]()
        if state.listening != told.listening:
            said = [address(intake), *([remark(intake)] if remark(intake) else [])]
            lines.append(f"{name}: {'open at ' + ', '.join(said) if state.listening else 'closed'}")
            told.listening = state.listening
        refused = state.counters["refused"]
        new = refused > told.refused or state.trouble not in ("", told.trouble)
        if new and now_s - told.at >= QUIET_S:
            count = refused - told.refused
            what = f"{count} refused, the last for: " if count else ""
            lines.append(f"{name}: {what}{' '.join(state.trouble.split())}")
            told.trouble, told.refused, told.at = state.trouble, refused, now_s
        unusable = state.counters["unusable"]
        if unusable > told.unusable and now_s - told.unusable_at >= QUIET_S:
            lines.append(f"{name}: {' '.join(never_used(intake).split())}")
            told.unusable, told.unusable_at = unusable, now_s
        return lines
