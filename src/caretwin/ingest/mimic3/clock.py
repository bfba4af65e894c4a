"""The chart's clock against the laboratory's: in MetaVision the same sample is often charted exactly one
hour later.

Dates of a patient were shifted as text, and daylight saving moved one clock and not the other. Doses are on
the chart's clock, so levels and creatinine are moved to it. The offset (0 or 1 h) is estimated for each
patient and period from values that stand in both tables.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Any

# Items of the same measurement: laboratory item -> chart items (d_labitems, d_items of MIMIC-III 1.4).
PAIRED_ITEMS = {
    50912: (220615, 791, 1525),  # creatinine
    50971: (227442, 829, 1535),  # potassium
    50931: (220621, 811, 1529),  # glucose
    51006: (225624, 781, 1162),  # urea nitrogen
    50983: (220645, 837, 1536),  # sodium
}
VANCOMYCIN_COPIES = (854, 855, 856, 227453, 227454, 227455)
NEIGHBOURS = 9
"""How many of the nearest pairs decide the offset at a time; assumed, enough to outvote a chance
coincidence."""


@dataclass(frozen=True)
class Clock:
    """Pairs (hour on the laboratory's clock, offset of the chart in h) of one patient, in order of time."""

    pairs: tuple[tuple[float, int], ...]

    def offset(self, time_h: float) -> int:
        """Hours to add to a laboratory time near ``time_h``: what most of the nearest pairs say, 0 without
        any.

        >>> Clock(((0.0, 1), (5.0, 1), (100.0, 0))).offset(2.0)
        1
        """
        nearest = sorted(self.pairs, key=lambda pair: abs(pair[0] - time_h))[:NEIGHBOURS]
        near = [offset for time, offset in nearest if abs(time - time_h) <= 24.0] or [offset for _, offset in nearest]
        return statistics.mode(near) if near else 0


def clock(labs: Any, chart: Any, hours: Any) -> Clock:
    """Pairs of one patient from frames with itemid, charttime and valuenum.

    hours  function from a time to hours from the patient's origin
    A chart row counts when the laboratory has the same value of the same thing at the same minute (offset
    0) or exactly one hour earlier (offset 1), and not both.
    """
    found = []
    for lab_item, chart_items in PAIRED_ITEMS.items():
        measured = labs[(labs["itemid"] == lab_item) & labs["valuenum"].notna()]
        values = {(hours(t), round(v, 3)) for t, v in zip(measured["charttime"], measured["valuenum"], strict=True)}
        charted = chart[chart["itemid"].isin(chart_items) & chart["valuenum"].notna()]
        rows = {(hours(t), round(v, 3)) for t, v in zip(charted["charttime"], charted["valuenum"], strict=True)}
        for time, value in rows:
            same, later = (time, value) in values, (round(time - 1.0, 6), value) in values
            if same != later:
                found.append((time - later, int(later)))
    return Clock(tuple(sorted(found)))
