"""The haemodynamic advice as plain values for JSON: stable keys, units in their names, null where there is no
number."""

from dataclasses import asdict
from typing import Any

import numpy as np

from caretwin.decide.haemodynamics import Advice, Judged
from caretwin.review import bedside_json as shared
from caretwin.review import haemodynamics_words as words
from caretwin.review.bedside_words import Provenance

FORMAT, FORMAT_VERSION = "caretwin.haemodynamics", 1  # a key that changes its meaning raises it; new keys do not
UNITS = {"norepinephrine": "norepinephrine_ug_per_kg_per_min"}


def as_json(advice: Advice, provenance: Provenance) -> dict[str, Any]:
    """Everything the answer consists of; ``json.dumps(..., allow_nan=False)`` takes it."""
    bedside, chosen = advice.bedside, advice.chosen
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "advises_only": words.ADVISES_ONLY,
        "advice": {
            "abstained": chosen is None,
            "sentence": words.answer(advice),
            "kind": None if chosen is None else chosen.candidate.kind,
            "change": None if chosen is None else _change(chosen),
            "reasons": list(advice.abstained if chosen is None else advice.reasons),
            "what_to_do": words.remedies(advice) if advice.abstained else [],
        },
        "question": {
            "now_h": bedside.now,
            "now": words.asked_at(advice),
            "asked": [dict(change) for change in advice.question.asked],
            "target": asdict(advice.question.target),
        },
        "patient": {
            "id": bedside.record.person.subject,
            "assumed": list(bedside.assumed),
            "rows_taken_in": bedside.data,
            "infusions": {name: float(v) for name, v in bedside.settings.infusions._asdict().items()},
        },
        "preload_responsiveness": {
            "p_leg_raise": advice.responsiveness.legs,
            "leg_raise_percent": _three(advice.responsiveness.legs_rise),
            "p_crystalloid_500_mL": advice.responsiveness.fluid,
            "crystalloid_500_mL_percent": _three(advice.responsiveness.fluid_rise),
        },
        "minutes": list(advice.minutes),
        "tried": [_judged(j, advice) for j in advice.judged],
        "grid": {
            "norepinephrine_ug_per_kg_per_min": list(advice.grid.rates),
            "crystalloid_L": list(advice.grid.fluids),
            "p_in_target": _cells(advice.grid.inside),
            "p_under_target": _cells(advice.grid.below),
        },
        "drifts": shared.drifts(bedside.drifts),
        "findings": shared.findings(bedside.record),
        "notes": list(advice.notes),
        "provenance": shared.origin(provenance),
    }


def _change(j: Judged) -> dict[str, float]:
    return {UNITS.get(name, f"{name}_L"): value for name, value in j.candidate.change.items()}


def _three(values: tuple[float, float, float]) -> dict[str, float]:
    return {q: round(v, 3) for q, v in zip(shared.QUANTILES, values, strict=True)}


def _judged(j: Judged, advice: Advice) -> dict[str, Any]:
    return {
        "kind": j.candidate.kind,
        "what": words.change_of(j, advice),
        "change": _change(j),
        "refused": j.candidate.refused,
        "p_in_target": round(j.inside, 5),
        "p_under_target": round(j.below, 5),
        "p_over_target": round(j.above, 5),
        "cardiac_output_change_percent": _three(j.output),
        "central_venous_pressure_change_mmHg": _three(j.venous),
        "heart_rate_change_per_min": _three(j.rate),
        "worth": round(j.worth, 5),
        "p_better_than_no_change": round(j.better, 5),
        "readings": shared.readings(j.bands, advice.names),
    }


def _cells(cells: np.ndarray) -> list[list[float | None]]:
    return [[None if np.isnan(c) else round(float(c), 4) for c in row] for row in cells]
