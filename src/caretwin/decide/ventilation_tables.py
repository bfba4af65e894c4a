"""What the ARDS Network's written rules would do now, for the side by side: they know nothing of this patient but his
numbers.

Sources: ARDS Network, N Engl J Med 2000;342:1301 (tidal volume, plateau, pH, oxygen, lower PEEP); Brower et al., N
Engl J Med
2004;351:327 (higher PEEP, ALVEOLI). A table with PEEP 8 at FiO2 0.3 and 16 from 0.6 to 0.9 that circulates as "higher
PEEP"
is neither.
"""

from typing import NamedTuple

LOWER_PEEP: tuple[tuple[float, float], ...] = (
    (0.3, 5), (0.4, 5), (0.4, 8), (0.5, 8), (0.5, 10), (0.6, 10), (0.7, 10), (0.7, 12), (0.7, 14), (0.8, 14), (0.9, 14),
    (0.9, 16), (0.9, 18), (1.0, 18), (1.0, 20), (1.0, 22), (1.0, 24),
)  # fmt: skip
"""(FiO2, PEEP cmH2O); three transcriptions agree."""
HIGHER_PEEP: tuple[tuple[float, float], ...] = (
    (0.3, 5), (0.3, 8), (0.3, 10), (0.3, 12), (0.3, 14), (0.4, 14), (0.4, 16), (0.5, 16), (0.5, 18), (0.5, 20),
    (0.6, 20), (0.7, 20), (0.8, 20), (0.8, 22), (0.9, 22), (1.0, 22), (1.0, 24),
)  # fmt: skip
"""(FiO2, PEEP cmH2O); from one transcription of the 2004 paper, half of it unverified."""
STEPS = tuple(sorted({peep for _, peep in LOWER_PEEP}))
"""cmH2O: the PEEP levels of the lower table; a step of PEEP is one of these to the next."""
OXYGEN_GOAL = (55.0, 80.0)  # mmHg PaO2
SATURATION_GOAL = (88.0, 95.0)  # %
PH_GOAL = (7.30, 7.45)
HIGHEST_RATE = 35.0
VOLUME_GOAL, LOWEST_VOLUME = 6.0, 4.0  # mL/kg predicted weight
PLATEAU_MOST, PLATEAU_LOW = 30.0, 25.0  # cmH2O
RATE_STEP = 4.0
"""/min by which the rate is raised here for acidosis; the rule says only "until pH > 7.30" (assumed)."""


class Charted(NamedTuple):
    """The numbers that the rules ask for; None where not charted. fio2 fraction, VT mL/kg, pressures cmH2O and mmHg."""

    fio2: float
    peep: float
    volume_per_kg: float
    rate: float
    oxygen: float | None
    saturation: float | None
    carbon_dioxide: float | None
    ph: float | None
    plateau: float | None


class Rule(NamedTuple):
    """One rule's answer: name, what it says, and the settings it asks for (volume in mL/kg under "volume_per_kg")."""

    name: str
    says: str
    change: dict[str, float]


def table_step(table: tuple[tuple[float, float], ...], charted: Charted) -> Rule:
    """Where a PEEP-FiO2 table would go: one column up when oxygen is below its goal, one down when above, else the
    column.

    The present column is the nearest one (0.1 of FiO2 counts as 4 cmH2O, assumed).
    """
    name = "lower PEEP table" if table == LOWER_PEEP else "higher PEEP table"
    side = oxygen_side(charted)
    if side is None:
        return Rule(name, "no oxygen measurement to enter the table with", {})
    distance = [abs(f - charted.fio2) * 40.0 + abs(p - charted.peep) for f, p in table]
    here = distance.index(min(distance))
    there = min(max(here - side, 0), len(table) - 1)
    fio2, peep = table[there]
    words = {
        1: "oxygen above its goal: a column down",
        0: "oxygen in its goal: the nearest column",
        -1: "oxygen below: up",
    }
    return Rule(name, words[side], {"fio2": fio2, "peep": peep})


def oxygen_side(charted: Charted) -> int | None:
    """-1 below the goal, 0 within, 1 above; PaO2 counts before SpO2, None when neither is known."""
    for value, (low, high) in ((charted.oxygen, OXYGEN_GOAL), (charted.saturation, SATURATION_GOAL)):
        if value is not None:
            return -1 if value < low else 1 if value > high else 0
    return None


def volume_rule(charted: Charted) -> Rule:
    """Tidal volume by plateau pressure: down by 1 to 4 mL/kg above 30, up by 1 to 6 below 25, else towards 6."""
    volume, plateau = charted.volume_per_kg, charted.plateau
    if plateau is not None and plateau > PLATEAU_MOST and volume > LOWEST_VOLUME:
        return Rule(
            "tidal volume", "plateau above 30: 1 mL/kg less", {"volume_per_kg": max(volume - 1.0, LOWEST_VOLUME)}
        )
    if plateau is not None and plateau < PLATEAU_LOW and volume < VOLUME_GOAL - 0.05:
        return Rule("tidal volume", "plateau below 25: 1 mL/kg more", {"volume_per_kg": min(volume + 1.0, VOLUME_GOAL)})
    if volume > VOLUME_GOAL + 0.05:
        return Rule("tidal volume", "1 mL/kg less, towards 6", {"volume_per_kg": max(volume - 1.0, VOLUME_GOAL)})
    return Rule("tidal volume", "stays", {})


def rate_rule(charted: Charted) -> Rule:
    """Rate by pH: up below 7.30, to 35 below 7.15, down above 7.45."""
    ph, rate = charted.ph, charted.rate
    if ph is None:
        return Rule("rate", "no pH to judge it by", {})
    if ph < 7.15:
        return Rule("rate", "pH below 7.15: rate 35", {"rate": HIGHEST_RATE} if rate < HIGHEST_RATE else {})
    if ph < PH_GOAL[0] and (charted.carbon_dioxide is None or charted.carbon_dioxide > 25.0):
        return Rule("rate", "pH below 7.30: rate up", {"rate": min(rate + RATE_STEP, HIGHEST_RATE)})
    if ph > PH_GOAL[1]:
        return Rule("rate", "pH above 7.45: rate down, if possible", {"rate": max(rate - RATE_STEP, 6.0)})
    return Rule("rate", "stays", {})


def rules(charted: Charted) -> tuple[Rule, ...]:
    """Every rule's answer."""
    return (
        table_step(LOWER_PEEP, charted), table_step(HIGHER_PEEP, charted), volume_rule(charted), rate_rule(charted)
    )  # fmt: skip
