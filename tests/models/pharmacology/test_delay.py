"""A BIS monitor shows the brain as it was a while ago: Eleveld 2018, 15 s + exp(0.0517399 AGE) s."""

import numpy as np
import pytest

from caretwin.core.events import Sample, Series
from caretwin.core.model import MEASURED
from caretwin.models.pharmacology.drug_file import load_shipped
from caretwin.models.pharmacology.timeline import build_history

SUBJECT = {"AGE": 50.0, "WT": 70.0, "HT": 171.0, "FEMALE": 0.0, "OPIOIDS": 0.0, "VENOUS": 0.0}


def rows_of(channel: int) -> np.ndarray:
    drug = load_shipped()["propofol.eleveld2018"]
    covariates = {name: Series((0.0,), (value,)) for name, value in SUBJECT.items()}
    history = build_history(drug, [], [Sample(1.0, channel, 50.0, MEASURED)], covariates, start=0.0)
    return history.time[history.y.kind[:, channel] == MEASURED]


def test_an_effect_is_compared_with_the_brain_of_28_seconds_ago() -> None:
    assert rows_of(1) == pytest.approx([1.0 - 28.29 / 3600], abs=1e-6)  # 15 + exp(2.587) = 28.29 s at 50 years


def test_a_level_is_of_the_moment_it_was_drawn() -> None:
    assert rows_of(0) == pytest.approx([1.0], abs=0)
