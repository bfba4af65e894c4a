"""The simple rules that a forecast of the next gas has to beat, as published for the development half of MIMIC-III."""

import numpy as np
import pytest

from caretwin.cli.validate_bedside import gas_pairs_of
from caretwin.review.ventilation_scores import leave_one_subject_out, score
from caretwin.twin.gas_pairs import GASES, PairForecast
from tests.paths import shared


@pytest.fixture(scope="module")
def pairs():
    return gas_pairs_of(shared("data", "mimic3_demo"))[1]


def test_the_baselines_are_those_of_the_published_table(pairs) -> None:
    # Field table, development half, clean pairs: FiO2 changed n 69, persistence .473, constant P/F .509 (printed),
    # linear by leaving one subject out .408; PaCO2 n 209, persistence 3.50, linear 3.59.
    guess = [PairForecast(i, np.tile([90.0, 40.0, 7.4], (50, 1))) for i in range(len(pairs.record))]
    found = score(pairs, guess)
    assert (found["fio2_pairs"], found["paco2_pairs"]) == (69, 209)
    assert found["rmse_log_pao2_persistence"] == pytest.approx(0.473, abs=6e-4)
    assert found["rmse_log_pao2_constant_pf"] == pytest.approx(0.509, abs=6e-4)
    assert found["rmse_log_pao2_linear"] == pytest.approx(0.408, abs=6e-4)
    assert found["mae_paco2_persistence"] == pytest.approx(3.50, abs=6e-3)
    assert found["mae_paco2_linear"] == pytest.approx(3.59, abs=6e-3)


def test_knowing_the_answer_scores_nothing_and_covers_all(pairs) -> None:
    known = [
        PairForecast(i, np.tile([pairs.second[name][i] for name in GASES], (50, 1))) for i in range(len(pairs.record))
    ]
    found = score(pairs, known)
    assert found["rmse_log_pao2"] == pytest.approx(0.0, abs=1e-12)
    assert found["crps_log_pao2"] == pytest.approx(0.0, abs=1e-12)
    assert found["coverage90_paco2"] == 1.0


def test_the_linear_rule_never_sees_the_subject_that_it_judges() -> None:
    x, y = np.arange(8.0), np.arange(8.0)
    y[4:] += 100.0
    subject = np.array([0] * 4 + [1] * 4)
    found = leave_one_subject_out(x, y, subject)
    np.testing.assert_allclose(found.mean[:4], x[:4] + 100.0, atol=1e-9)
    np.testing.assert_allclose(found.mean[4:], x[4:], atol=1e-9)
