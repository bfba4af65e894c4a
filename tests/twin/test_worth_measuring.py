"""Which measurement would help: the one that tells most about what is foretold, and none that tells nothing."""

import numpy as np
import pytest

from caretwin.record.record import Record
from caretwin.twin.bedside_twin import BedsideTwin, bedside_twin
from caretwin.twin.kept_forecasts import HOUR
from caretwin.twin.living import record as living_record
from caretwin.twin.living.course import MINUTE
from caretwin.twin.worth_measuring import _explained, widened
from tests.twin.conftest import START
from tests.twin.test_living_ward import up_to_date, vitals, write


@pytest.fixture(scope="module")
def many() -> BedsideTwin:
    return bedside_twin(particles=300, single=True)


@pytest.mark.slow
def test_a_pressure_that_is_long_unmeasured_is_what_a_forecast_of_pressure_wants(
    record: Record, many: BedsideTwin
) -> None:
    ward = living_record.start(record, many)
    (key,) = set(write(record, vitals(0, range(30))))
    up_to_date(ward, 30)
    fork = ward.fork(key)
    assert fork is not None
    later = (START + 30 * MINUTE) / HOUR + 6.0
    candidates = ["mean_arterial_pressure", "oxygen_saturation", "respiratory_rate"]
    said = widened(many, fork, later, "mean_arterial_pressure", 0.25, ["mean_arterial_pressure"], candidates)
    assert said.worth[0].channel == "mean_arterial_pressure"
    assert said.by > 1.05
    assert said.by == pytest.approx(1.0 / (1.0 - said.worth[0].narrower), rel=1e-6)
    with pytest.raises(ValueError, match="wanted one of"):
        widened(many, fork, later, "mood", 0.25, [], [])


def test_the_share_explained_is_that_of_the_regression() -> None:
    luck = np.random.default_rng(0)
    x, noise = luck.standard_normal((2, 20_000))
    assert _explained(x + noise, [x]) == pytest.approx(0.5, abs=0.02)
    assert _explained(noise, [x]) == pytest.approx(0.0, abs=0.001)
    assert _explained(x + noise, [x, noise]) == pytest.approx(0.999, abs=0.002)
    assert _explained(x, []) == 0.0
