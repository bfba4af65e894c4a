"""Another patient of the same sizes goes through the programs that are compiled already: nothing is traced again."""

import jax

from caretwin.core.program import Program
from caretwin.decide import bands, members, next_sample, outcomes, reweighing
from caretwin.decide.bands import bands as curves
from caretwin.decide.dosing import Question, advise
from caretwin.decide.sensitivity import consequences
from caretwin.record.dosing import Dose, Level
from tests.decide.patients import GOTI, person

PROGRAMS = [
    value for module in (bands, members, next_sample, outcomes, reweighing) for value in vars(module).values()
    if isinstance(value, Program)
]  # fmt: skip


def ask(record):
    advice = advise(Question("vancomycin", now=48.0, models=(GOTI,)), record)
    consequences(advice)
    return jax.block_until_ready(curves(advice, [advice.best.regimen, None])[0].median)


def test_a_second_patient_traces_no_program_of_the_decision_again(monkeypatch):
    monkeypatch.setenv("CARETWIN_CACHE_DIR", "")  # else an earlier process may have left the traced programs
    for one in PROGRAMS:
        monkeypatch.setattr(one, "_known", {})
    ask(person())
    before = [one.traces for one in PROGRAMS]
    assert len(before) == 5 and all(before)
    other = person(
        {"CRCL": 80.0, "WT": 82.0, "DIAL": 0.0, "AGE": 44.0, "CRRT": 0.0},
        doses=(Dose(0, 1500, "mg", 1.5), Dose(23.0, 1500, "mg", 1.5)),
        levels=(Level(11, 15, "mg/L"), Level(46, 9.0, "mg/L")),
    )
    ask(other)
    assert [one.traces for one in PROGRAMS] == before
