"""Parts that the ventilator and the haemodynamic JSON files share."""

from typing import Any

import numpy as np

from caretwin.record.bedside import BedsideRecord
from caretwin.review.bedside_words import PARAMETERS, Provenance, drifted
from caretwin.twin.drift import Drift

QUANTILES = ("q5", "q50", "q95")


def readings(bands: np.ndarray, names: tuple[str, ...]) -> dict[str, dict[str, list[float]]]:
    """Bands [T, R, 3] by reading and quantile."""
    return {
        name: {q: [float(f"{v:.5g}") for v in bands[:, r, i]] for i, q in enumerate(QUANTILES)}
        for r, name in enumerate(names)
    }


def findings(record: BedsideRecord) -> list[dict[str, Any]]:
    """What the reader of the record did not like."""
    return [
        {"severity": f.severity, "row": f.row, "column": f.column, "seen": f.seen, "wanted": f.wanted, "fix": f.fix}
        for f in record.findings
    ]


def drifts(found: tuple[Drift, ...]) -> list[dict[str, Any]]:
    """Parameters that moved further than they usually do, in the units in which they are told of."""
    answer = []
    for drift in found:
        _, unit, factor, _ = PARAMETERS[drift.name]
        numbers = {"before": drift.before, "now": drift.now, "now_q5": drift.low, "now_q95": drift.high}
        shown = {name: float(f"{factor * value:.5g}") for name, value in numbers.items()}
        answer.append(
            {"parameter": drift.name, "unit": unit, "hours": round(drift.hours, 2), **shown,
             "standard_deviations": round(drift.size, 2), "sentence": drifted(drift)}
        )  # fmt: skip
    return answer


def origin(provenance: Provenance) -> dict[str, Any]:
    """Where the answer came from."""
    return {
        "code_version": provenance.code_version,
        "computed_at": provenance.computed_at,
        "seed": provenance.seed,
        "particles": provenance.particles,
        "source": provenance.source,
        "source_sha256": provenance.source_sha256,
        "options": dict(provenance.options),
    }
