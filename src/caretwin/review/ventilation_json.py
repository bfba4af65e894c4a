"""The ventilator advice as plain values for JSON: stable keys, units in their names, null where there is no number."""

from dataclasses import asdict
from typing import Any

import numpy as np

from caretwin.decide.ventilation import Advice, Judged, SafeMap
from caretwin.review import bedside_json as shared
from caretwin.review import ventilation_words as words
from caretwin.review.bedside_words import Provenance

FORMAT, FORMAT_VERSION = "caretwin.ventilation", 1  # a key that changes its meaning raises it; new keys do not


def as_json(advice: Advice, provenance: Provenance) -> dict[str, Any]:
    """Everything the answer consists of; ``json.dumps(..., allow_nan=False)`` takes it."""
    bedside = advice.bedside
    chosen = advice.chosen
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "advises_only": words.ADVISES_ONLY,
        "advice": {
            "abstained": chosen is None,
            "sentence": words.answer(advice),
            "kind": None if chosen is None else chosen.candidate.kind,
            "change": None if chosen is None else dict(chosen.candidate.change),
            "within_limits": None if chosen is None else advice.choice.allowed,
            "reasons": list(advice.abstained if chosen is None else advice.choice.reasons),
            "what_to_do": words.remedies(advice) if advice.abstained else [],
        },
        "question": {
            "now_h": bedside.now,
            "now": words.asked_at(advice),
            "asked": [dict(change) for change in advice.question.asked],
            "limits": asdict(advice.question.limits),
            "costs": asdict(advice.question.costs),
        },
        "patient": {
            "id": bedside.record.person.subject,
            "predicted_body_weight_kg": round(bedside.predicted_weight, 2),
            "assumed": list(bedside.assumed),
            "rows_taken_in": bedside.data,
            "settings": settings(bedside.settings),
            "charted": advice.charted._asdict(),
        },
        "minutes": list(advice.minutes),
        "settings_tried": [_judged(j, advice) for j in advice.judged],
        "ards_network": [{"rule": rule.name, "says": rule.says, **_judged(j, advice)} for rule, j in advice.rules],
        "maps": [_map(m) for m in advice.maps],
        "drifts": shared.drifts(bedside.drifts),
        "findings": shared.findings(bedside.record),
        "notes": list(advice.notes),
        "provenance": shared.origin(provenance),
    }


def settings(u: Any) -> dict[str, float]:
    """The ventilator's settings by name, with the unit where the name alone does not say it."""
    units = {
        "peep": "peep_cmH2O",
        "tidal_volume": "tidal_volume_L",
        "rate": "rate_per_min",
        "pressure": "pressure_cmH2O",
    }
    names = ("mode", "fio2", "peep", "tidal_volume", "rate", "pressure", "inspiratory_fraction")
    return {units.get(name, name): round(float(getattr(u, name)), 5) for name in names}


def _judged(j: Judged, advice: Advice) -> dict[str, Any]:
    return {
        "kind": j.candidate.kind,
        "what": words.change_of(j, advice),
        "change": dict(j.candidate.change),
        "settings": settings(j.candidate.settings),
        "tidal_volume_mL_per_kg": round(_per_kg(j, advice), 3),
        "refused": j.candidate.refused,
        "p_break": {name: round(p, 5) for name, p in j.chances.items()},
        "p_all_hard_limits_hold": round(j.safe, 5),
        "worth": round(j.worth, 5),
        "p_better_than_no_change": round(j.better, 5),
        "minutes_to_90_percent_of_change": {n: None if v is None else round(v, 2) for n, v in j.settled.items()},
        "readings": shared.readings(j.bands, advice.outlook_names),
    }


def _per_kg(j: Judged, advice: Advice) -> float:
    volume = j.bands[-1, advice.outlook_names.index("tidal_volume_mL"), 1]
    return float(volume) / advice.bedside.predicted_weight


def _map(safe_map: SafeMap) -> dict[str, Any]:
    return {
        "rows": {"name": safe_map.rows[0], "values": list(safe_map.rows[1])},
        "columns": {"name": safe_map.columns[0], "values": list(safe_map.columns[1])},
        "p_all_hard_limits_hold": [[None if np.isnan(c) else round(float(c), 4) for c in row] for row in safe_map.safe],
        "not_judged": list(safe_map.why),
        "present": list(safe_map.present),
    }
