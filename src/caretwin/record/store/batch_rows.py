"""The rows that one batch adds: its entries, the versions that they are, and what these end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from caretwin.record.entry import Batch, Derived, Event, Observation, Remapped
from caretwin.record.store.pending import Pending, derived_row, event_row, observation_row
from caretwin.record.store.versions import Claim, Verdict, Version, judge, judge_anew


@dataclass(frozen=True)
class BatchRows:
    """A batch on its way into a transaction.

    intake  its own sequence number
    known   versions by origin: of the record, and of what came before in the transaction
    """

    batch: Batch
    intake: int
    pending: Pending
    known: dict[bytes, list[Version]]

    def keep(self, entry: Observation | Event, claim: Claim) -> tuple[int, Verdict]:
        """Sequence number of an entry, that of the one it repeats for a duplicate; and what it does to others."""
        said = (claim.place, entry.effective, entry.version, int(entry.status), claim.contents[0])
        version = Version(self.pending.sequence + 1, *said, self.batch.received)
        verdict = judge(version, self.earlier(claim), bool(entry.source_id), claim.contents[1:])
        if verdict.repeats is not None:
            return verdict.repeats, verdict
        sequence, rows = self.pending.next(), self.pending.rows
        self.known.setdefault(claim.origins[0], []).append(version)
        rows["version"].append((claim.origins[0], *version[:6]))
        rows["superseded"] += [one[:4] for one in verdict.superseded]
        placed = (sequence, self.batch.received, self.intake)
        if isinstance(entry, Observation):
            rows["observation"].append(observation_row(entry, claim.place, *placed))
        else:
            rows["event"].append(event_row(entry, -claim.place, *placed))
        return sequence, verdict

    def keep_anew(self, entry: Remapped, claim: Claim, ended: Callable[[int], bool]) -> tuple[int, Verdict]:
        """As :meth:`keep`, for an entry that takes the place of another.

        ended  whether an entry that the record had before this batch (its sequence number) holds no more
        """
        earlier = self.earlier(claim)
        old = next((one for one in earlier if one.sequence == entry.of), None)
        said = (claim.place, entry.effective, entry.version, int(entry.status), claim.contents[0])
        version = Version(self.pending.sequence + 1, *said, self.batch.received)
        if ended(entry.of):
            verdict = Verdict(entry.of)
        else:  # mapped so before, and otherwise since: what it was then holds no more, and takes no place
            rivals = earlier if entry.named else [one for one in earlier if self._holds(one, ended)]
            verdict = judge_anew(version, entry.of, rivals, entry.named)
        rows = self.pending.rows
        rows["superseded"] += [one[:4] for one in verdict.superseded]
        if verdict.repeats is not None or old is None:
            return verdict.repeats or entry.of, verdict
        sequence = self.pending.next()
        self.known.setdefault(claim.origins[0], []).append(version)
        rows["version"].append((claim.origins[0], *version[:6]))
        kept = replace(entry, note={**(entry.note or {}), "mapped_from": dict(entry.before)})
        rows["observation"].append(observation_row(kept, claim.place, sequence, self.batch.received, self.intake))
        return sequence, verdict

    def _holds(self, one: Version, ended: Callable[[int], bool]) -> bool:
        return one.sequence > self.intake or not ended(one.sequence)

    def derive(self, entry: Derived, subject: int) -> int:
        """Sequence number of a derived thing."""
        sequence = self.pending.next()
        self.pending.rows["derived"].append(derived_row(entry, subject, sequence, self.batch.received, self.intake))
        return sequence

    def earlier(self, claim: Claim) -> list[Version]:
        """Versions of what is claimed, as known now."""
        return [version for origin in claim.origins for version in self.known.get(origin, ())]

    def close(self, duplicates: int) -> None:
        """The row of the batch itself."""
        row = (self.intake, self.batch.received, self.batch.actor, self.batch.message)
        self.pending.rows["intake"].append((*row, len(self.batch.entries), duplicates))
