"""Count what the bedside readers make of real sets: stays, rows by channel, and rows that each rule refused or doubted.

    python evidence/physiology/data/measure.py --mimic3 DIR [--clif DIR]

writes the tables of evidence/physiology/data/README.md (between its marks) and results.json beside it.
"""

import argparse
import json
from collections import Counter
from pathlib import Path

import numpy as np

from caretwin.ingest.bedside.quality import counted, judge
from caretwin.ingest.clif.stays import demo_folder, read_clif
from caretwin.ingest.mimic3.bedside import places, read_mimic3_bedside
from caretwin.ingest.mimic3.bedside_gases import GasStates, gas_pairs, gas_states
from caretwin.record.bedside import BedsideRecord, Person, Quality, Signal, channels

HERE = Path(__file__).parent
MARKS = ("<!-- measured -->\n", "<!-- end -->\n")
WORDS = {int(q): q.name.lower() for q in Quality}


def rows_by_channel(records):
    """{channel: [stays, rows, suspect, refused]} of judged records."""
    found = {}
    for record in records:
        for name, signal in {**record.observations, **record.settings}.items():
            line = found.setdefault(name, [0, 0, 0, 0])
            line[0] += 1
            line[1] += len(signal)
            line[2] += int(np.sum(signal.quality == Quality.SUSPECT))
            line[3] += int(np.sum(signal.quality == Quality.REFUSED))
    return {name: found[name] for name in channels() if name in found}


def rows_by_rule(records):
    """{"rule | channel | quality": rows} over records as charted."""
    total = Counter()
    for record in records:
        total.update(counted(record))
    return {f"{rule} | {channel} | {WORDS[quality]}": n for (rule, channel, quality), n in sorted(total.items())}


def persons(records):
    """How many have a sex, an age, a weight, a height, a race."""
    known = ("sex", "age_y", "weight_kg", "height_cm", "race")
    return {name: sum(getattr(record.person, name) is not None for record in records) for name in known}


def measured(charted):
    """All tables of one set."""
    judged = [judge(record) for record in charted]
    return {
        "records": len(charted),
        "records with vital signs": sum("heart_rate" in r.observations for r in charted),
        "records with a ventilator": sum(_ventilated(r) for r in charted),
        "persons": persons(charted),
        "channels": rows_by_channel(judged),
        "rules": rows_by_rule(charted),
    }


def _ventilated(record):
    mode = record.settings.get("ventilator_mode")
    return bool((mode.value > 0).any()) if mode is not None else "peep" in record.settings


def venous_rule(states: GasStates):
    """Gases with a pulse oximeter value beside them: how many of each specimen the rule doubts."""
    names = ("arterial_oxygen_pressure", "arterial_ph", "oxygen_saturation")
    found = {}
    for row in np.flatnonzero(np.isfinite(states.values["oxygen_saturation"])):
        one = {n: Signal.of(np.zeros(1), states.values[n][[row]]) for n in names if np.isfinite(states.values[n][row])}
        quality = judge(BedsideRecord(Person("one gas"), one)).observations[names[0]].quality[0]
        line = found.setdefault(states.specimen[row] or "unlabelled", [0, 0])
        line[0] += int(quality == Quality.SUSPECT)
        line[1] += 1
    return dict(sorted(found.items()))


def agreement(folder):
    """Settings held at the first gas of each pair, by their charted times, against the derived table: same, of n."""
    pairs, records = gas_pairs(folder), read_mimic3_bedside(folder, charted=True)
    at, found = places(folder, pairs), {}
    for channel in ("fio2", "peep", "tidal_volume_set", "respiratory_rate_set"):
        settings = [records[key].settings.get(channel) for key in at.key]
        held = [
            np.nan if s is None else s.held_at(np.array([h]))[0] for s, h in zip(settings, at.before_h, strict=True)
        ]
        difference = np.abs(np.array(held) - pairs.before.values[channel])
        found[channel] = [int(np.sum(difference < 1e-6)), int(np.sum(np.isfinite(difference)))]
    return found


def pair_counts(pairs):
    """The pairs of the task, by what changed."""
    clean = pairs.clean
    return {
        "pairs": len(pairs),
        "subjects": len(np.unique(pairs.before.subject)),
        "clean": int(clean.sum()),
        "clean, FiO2 changed": int((clean & pairs.fio2_changed).sum()),
        "clean, PEEP changed": int((clean & pairs.peep_changed).sum()),
        "clean, nothing changed": int((clean & pairs.unchanged).sum()),
        "clean, ventilation known": int((clean & pairs.ventilation_known).sum()),
    }


def table(head, lines):
    """A Markdown table."""
    rule = "|".join(["---"] + ["---:"] * (len(head) - 1))
    return "\n".join([f"| {' | '.join(head)} |", f"|{rule}|", *(f"| {' | '.join(map(str, x))} |" for x in lines), ""])


def report(results):
    """The tables as Markdown."""
    parts = []
    for name, found in results.items():
        parts.append(f"### {name}\n")
        known = ", ".join(f"{what} {n}" for what, n in found["persons"].items())
        parts.append(
            f"{found['records']} records, {found['records with vital signs']} with vital signs, "
            f"{found['records with a ventilator']} with a ventilator. Known of the person: {known}.\n"
        )
        lines = [(f"`{c}`", *n) for c, n in found["channels"].items()]
        parts.append(table(("channel", "records", "rows", "suspect", "refused"), lines))
        lines = [(*key.split(" | "), n) for key, n in found["rules"].items()]
        parts.append(table(("rule", "channel", "becomes", "rows"), lines))
        if "venous rule" in found:
            lines = [(s, n, of, f"{n / of:.0%}") for s, (n, of) in found["venous rule"].items()]
            parts.append(table(("specimen", "doubted by the venous rule", "gases with SpO2", "share"), lines))
            lines = [(f"`{c}`", n, of) for c, (n, of) in found["agreement"].items()]
            parts.append(table(("held at a gas by charted times", "as in the derived table", "gases with both"), lines))
            parts.append(table(("pairs of the task", "n"), found["pairs"].items()))
    return "\n".join(parts)


def main():
    """Measure, print, and write results.json and the tables of README.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mimic3", type=Path, required=True)
    parser.add_argument("--clif", type=Path, default=None)
    arguments = parser.parse_args()
    folder = arguments.clif or demo_folder()
    results = {
        "CLIF (MIMIC-IV demo)": measured([*read_clif(folder, judged=False).values()]),
        "MIMIC-III demo, at the times of charting": measured(
            [*read_mimic3_bedside(arguments.mimic3, charted=True, judged=False).values()]
        ),
        "MIMIC-III demo, beside the gases": measured([*read_mimic3_bedside(arguments.mimic3, judged=False).values()])
        | {"agreement": agreement(arguments.mimic3)}
        | {"venous rule": venous_rule(gas_states(arguments.mimic3)), "pairs": pair_counts(gas_pairs(arguments.mimic3))},
    }
    (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    page = (HERE / "README.md").read_text(encoding="utf-8")
    before, after = page.split(MARKS[0])[0], page.split(MARKS[1])[1]
    (HERE / "README.md").write_text(before + MARKS[0] + report(results) + MARKS[1] + after, encoding="utf-8")


if __name__ == "__main__":
    main()
