"""How far personal parameters of real stays moved, and how often a drift alarm sounds: README.md beside this file.

python evidence/physiology/drift/measure.py [CLIF]
"""

import sys
from pathlib import Path

import numpy as np

from caretwin.cli.validate_bedside import side_by_side
from caretwin.decide.bedside_now import DRIFT_ALARM, DRIFT_WINDOWS_H
from caretwin.ingest.clif.stays import demo_folder, hospitalisations, read_clif
from caretwin.twin.bedside_twin import bedside_twin, follow
from caretwin.twin.drift import drifts

HERE = Path(__file__).parent
EVERY_STAY = 6
EVERY_H, LONGEST_H = DRIFT_WINDOWS_H
LONG = round(LONGEST_H / EVERY_H)
PAGE = """# How often a drift alarm sounds

    python evidence/physiology/drift/measure.py [CLIF]

On every sixth stay of the CLIF demo the twin's belief was kept every 6 h. A movement is how far one personal parameter
moved beyond its stated wandering, over what the data between could have moved it: standard normal were the model true.
A question is one pair of beliefs; it has an alarm when any parameter moved by more than {alarm:g}.

| over | stays | questions | movements | standard deviation | questions with an alarm |
|---|---|---|---|---|---|
{rows}

Named in alarms: {named}.
"""


def movements(twin, record):
    """(over h, movements, the parameter that moved most) of each question of one stay."""
    end = max(s.received_h[-1] for s in record.observations.values() if len(s))
    kept = []
    for _, living, _ in follow(twin, record, list(np.arange(EVERY_H, end, EVERY_H))):
        kept.append(living)
        for back in (1, LONG):
            before = kept[-1 - back] if len(kept) > back else None
            if living is not None and before is not None and (found := drifts(twin.model, before, living)):
                yield back * EVERY_H, [d.size for d in found], found[0].name


def main(clif: Path) -> None:
    names = hospitalisations(clif)[::EVERY_STAY]
    records = [r for r in read_clif(clif, names).values() if any(len(s) for s in r.observations.values())]
    twin = bedside_twin(particles=500, single=True)
    of_stay = list(side_by_side(lambda record: list(movements(twin, record)), records))
    rows, named = [], {}
    for hours in (EVERY_H, LONG * EVERY_H):
        stays = [[q for q in stay if q[0] == hours] for stay in of_stay]
        questions = [q for stay in stays for q in stay]
        sizes = np.concatenate([q[1] for q in questions])
        alarms = [q[2] for q in questions if max(abs(x) for x in q[1]) > DRIFT_ALARM]
        for name in alarms:
            named[name] = named.get(name, 0) + 1
        rows.append(
            f"| {hours:g} h | {sum(map(bool, stays))} | {len(questions)} | {len(sizes)} | {sizes.std():.2f} | "
            f"{len(alarms)} (one in {len(questions) / max(len(alarms), 1):.0f}) |"
        )
    words = ", ".join(f"{n.replace('_', ' ')} {k}" for n, k in sorted(named.items(), key=lambda item: -item[1]))
    page = PAGE.format(alarm=DRIFT_ALARM, rows="\n".join(rows), named=words or "none")
    (HERE / "README.md").write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else demo_folder())
