"""Vancomycin monitoring in the intensive care of MIMIC-III: who can be joined to doses, who cannot, and why.

Every level of the laboratory ends in exactly one place: in a record, or in a refusal with its reason. The
counts of both are in :class:`Joined`, to be shown beside every result. Doses whose time or amount is
uncertain stand in the record as weighted alternatives. Source: Johnson 2016, Sci Data 3:160035,
doi:10.1038/sdata.2016.35.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from caretwin.ingest.mimic3 import covariates, doses
from caretwin.ingest.mimic3.clock import PAIRED_ITEMS, VANCOMYCIN_COPIES
from caretwin.ingest.mimic3.patient import LEVEL_ITEM, Collected, Patient, Refusal, hours_from
from caretwin.ingest.mimic3.tables import Mimic3, read_mimic3
from caretwin.record.dosing import DosingRecord

CHART_ITEMS = (
    *covariates.CHART_ITEMS,
    *VANCOMYCIN_COPIES,
    *(i for items in PAIRED_ITEMS.values() for i in items),
)


@dataclass(frozen=True)
class Joined:
    """What could be joined and what was refused.

    records   one per admission with usable levels
    refusals  one per level, dose, order or patient that was not used
    counts    the steps, as (what, rows, patients), for a table
    missing   tables or columns the folder lacks
    """

    records: tuple[DosingRecord, ...]
    refusals: tuple[Refusal, ...]
    counts: tuple[tuple[str, int, int], ...]
    missing: tuple[str, ...] = ()

    def refused(self) -> list[tuple[str, str, int, int]]:
        """(what, reason, rows, patients) of the refusals, most rows first."""
        rows = Counter((r.what, r.reason) for r in self.refusals)
        patients = {key: len({r.subject for r in self.refusals if (r.what, r.reason) == key}) for key in rows}
        return [(*key, count, patients[key]) for key, count in rows.most_common()]


def read_mimic3_vancomycin(folder: str | Path) -> tuple[list[DosingRecord], list[Refusal]]:
    """The records that can be used and a refusal for everything that cannot; see
    :func:`join_mimic3_vancomycin`."""
    joined = join_mimic3_vancomycin(folder)
    return list(joined.records), list(joined.refusals)


def join_mimic3_vancomycin(folder: str | Path) -> Joined:
    """Join levels, doses, orders and covariates of every patient in ``folder`` (parquet, CSV or compressed
    CSV).

    Times are hours from admission on the chart's clock. Units: mg, mg/L, kg, cm, a, mg/dL. Raises DataError
    only when patients, admissions or labevents are missing; trouble with one patient is a refusal of that
    patient.
    """
    tables = read_mimic3(folder, CHART_ITEMS, (LEVEL_ITEM, *PAIRED_ITEMS))
    labels = covariates.dialysis_labels(tables.tables["d_items"])
    labs = tables.tables["labevents"]
    levels = labs[labs["itemid"] == LEVEL_ITEM]
    given = tables.tables["inputevents_mv"]
    given = given[given["itemid"] == doses.GIVEN_ITEM]
    drugs = tables.tables["prescriptions"]
    orders = drugs[drugs["drug"].astype("string").str.contains("vanco", case=False, na=False)]
    collected = Collected()
    usable = _count_doses(given, orders, collected)
    for subject in sorted({int(s) for s in levels["subject_id"].dropna()}):
        try:
            patient = Patient(subject, tables, labels, collected)
            patient.read(_of(levels, subject), _of(given, subject), _of(orders, subject))
        except Exception as problem:  # one patient's odd rows must not stop the others
            collected.forget(
                str(subject),
                len(_of(levels, subject)),
                f"could not be read: {type(problem).__name__}: {problem}",
            )
    return _summary(collected, tables, levels, given, orders, usable)


def _count_doses(given: Any, orders: Any, collected: Collected) -> tuple[Counter[str], Counter[str]]:
    """Usable given doses and orders by patient, over all patients; every other row is refused with its
    reason."""
    counts: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    for frame, read, what, count in (
        (given, doses.given, "dose", counts[0]),
        (orders, doses.orders, "order", counts[1]),
    ):
        for subject, rows in frame.groupby("subject_id"):
            name = str(int(subject))
            origin = rows["starttime" if what == "dose" else "startdate"].min()
            drop = partial(collected.refuse, name, what)
            count[name] += len(read(rows, hours_from(origin), drop))
    return counts


def _of(frame: Any, subject: int) -> Any:
    return frame[frame["subject_id"] == subject]


def _summary(
    collected: Collected,
    tables: Mimic3,
    levels: Any,
    given: Any,
    orders: Any,
    usable: tuple[Counter[str], Counter[str]],
) -> Joined:
    """The counts of every step, for a table of what could be joined."""

    def rows(what: str, frame: Any) -> tuple[str, int, int]:
        return what, len(frame), int(frame["subject_id"].nunique())

    def counted(what: str, counter: Counter[str]) -> tuple[str, int, int]:
        return what, sum(counter.values()), sum(count > 0 for count in counter.values())

    records = collected.records
    with_given = [r for r in records if any("given doses" in h.label for h in r.histories())]
    counts = (
        rows("patients with any table row", tables.tables["patients"]),
        rows("vancomycin levels in the laboratory", levels),
        rows("given doses (MetaVision)", given),
        counted("given doses, intravenous and not rewritten", usable[0]),
        rows("orders", orders),
        counted("orders, intravenous and readable", usable[1]),
        counted("levels inside an admission", collected.within_admission),
        counted("levels with a dose or an order in the 3 days before", collected.with_orders),
        ("levels used", sum(len(r.levels) for r in records), len({r.subject.split("-")[0] for r in records})),
        (
            "of these, levels with clock times of given doses",
            sum(len(r.levels) for r in with_given),
            len({r.subject.split("-")[0] for r in with_given}),
        ),
    )
    return Joined(tuple(records), tuple(collected.refusals), counts, tables.missing)
