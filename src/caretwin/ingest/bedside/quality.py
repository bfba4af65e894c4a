"""Judge the values of a bedside record on entry: what cannot be, what is odd, what was meant; nothing is dropped.

A refused value stays for the eye and is never used, a suspect one is used with care, a plain slip (a percentage for a
fraction) is corrected and said. Each rule is a small function of the record that yields verdicts; all of them look
only at the same time and back, so that judging what is known by a time gives what would have been judged then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from caretwin.ingest.bedside import gas_rules as gas
from caretwin.ingest.bedside import pressure_rules as pressure
from caretwin.ingest.bedside import range_rules as plausible
from caretwin.ingest.bedside import unit_rules as unit
from caretwin.ingest.bedside.verdict import Rule, Verdict, with_verdict
from caretwin.record.bedside import BedsideRecord

RULES: tuple[Rule, ...] = (
    unit.fio2_as_percentage,
    unit.fio2_between,
    unit.temperature_in_fahrenheit,
    unit.tidal_volume_in_millilitres,
    unit.exchanged_pressures,
    plausible.out_of_range,
    plausible.charted_twice,
    pressure.mean_outside,
    pressure.spikes,
    pressure.flat_line,
    pressure.peak_not_above_peep,
    pressure.plateau_with_effort,
    pressure.plateau_above_peak,
    gas.probe_off,
    gas.looks_venous,
)
"""In this order: corrections first, then what cannot be, then what does not fit the rest."""


def judge(record: BedsideRecord) -> BedsideRecord:
    """The record with every value judged and a finding for each kind of oddity of each channel.

    >>> import numpy as np
    >>> from caretwin.record.bedside import Person, Signal
    >>> peep = Signal.of(np.array([0.0, 1.0]), np.array([5.0, 200.0]))
    >>> judged = judge(BedsideRecord(Person("a"), settings={"peep": peep}))
    >>> judged.settings["peep"].quality.tolist(), judged.settings["peep"].held_at(np.array([2.0])).tolist()
    ([0, 2], [5.0])
    >>> print(judged.findings[0].seen)
    peep 200 cm[H2O] at 1.00 h: cannot be what its name says
    """
    steps = [after for _, after in judgements(record)]
    return steps[-1] if steps else record


def judgements(record: BedsideRecord) -> Iterator[tuple[Verdict, BedsideRecord]]:
    """Every verdict in order, with the record after it; the last of these is the judged record."""
    for rule in RULES:
        for verdict in tuple(rule(record)):
            record = with_verdict(record, verdict)
            yield verdict, record


def counted(record: BedsideRecord) -> Counter[tuple[str, str, int]]:
    """How many rows each rule judges in a record: by (rule, channel, quality)."""
    return Counter(
        {(verdict.rule, verdict.channel, int(verdict.quality)): len(verdict.rows) for verdict, _ in judgements(record)}
    )
