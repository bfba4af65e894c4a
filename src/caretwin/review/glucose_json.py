"""The glucose advice as plain values for JSON: stable keys, units in their names, null where there is no number."""

from typing import Any

import numpy as np

from caretwin.decide.glucose import Advice, Choice, Judged
from caretwin.decide.glucose_futures import BAND, EVERY
from caretwin.review import glucose_words as words
from caretwin.review.glucose_words import Provenance
from caretwin.twin.glucose import QUANTILES, measured

FORMAT = "caretwin.glucose"
FORMAT_VERSION = 1  # a key that changes its meaning raises it; new keys do not
TREATMENTS = 40


def as_json(advice: Advice, provenance: Provenance) -> dict[str, Any]:
    """Everything the answer consists of; ``json.dumps(..., allow_nan=False)`` takes it."""
    limits = advice.question.limits
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "advises_only": words.ADVISES_ONLY,
        "advice": {
            "abstained": advice.chosen is None,
            "within_limit": None if advice.chosen is None else advice.chosen.safe,
            "reasons": list(advice.abstained if advice.chosen is None else advice.reasons),
            "what_to_do": words.remedies(advice) if advice.abstained else [],
            "sentence": words.answer(advice),
            "insulin_U_per_h": None if advice.chosen is None else advice.chosen.best.insulin,
            "feed_mmol_per_min": None if advice.chosen is None else advice.chosen.best.feed,
            "next_glucose_in_h": None if advice.chosen is None else advice.chosen.hours,
        },
        "question": {
            "now_h": advice.question.now,
            "now": words.moment(advice.question.now, advice.record),
            "feed_goal_mmol_per_min": advice.question.feed_goal,
            "limits": {
                "low_mmol_per_L": limits.low,
                "high_mmol_per_L": limits.high,
                "severe_mmol_per_L": limits.severe,
                "allowed_probability_below_low": limits.allowed,
                "insulin_rise_U_per_h": limits.insulin_rise,
                "insulin_most_U_per_h": limits.insulin_most,
                "feed_change_of_goal": limits.feed_change,
                "feed_least_of_goal": limits.feed_least,
                "intervals_h": list(limits.intervals),
            },
        },
        "patient": _patient(advice),
        "intervals": [_choice(c) for c in advice.choices],
        "treatments": [_judged(j) for j in advice.judged[:TREATMENTS]],
        "running": None if advice.current is None else _judged(advice.current),
        "past": _past(advice),
        "findings": [
            {"severity": f.severity, "row": f.row, "column": f.column, "seen": f.seen, "wanted": f.wanted, "fix": f.fix}
            for f in advice.record.findings
        ],
        "notes": list(advice.notes),
        "provenance": {
            "code_version": provenance.code_version,
            "computed_at": provenance.computed_at,
            "seed": provenance.seed,
            "source": provenance.source,
            "source_sha256": provenance.source_sha256,
            "model": dict(zip(("name", "version"), provenance.model, strict=True)),
            "options": dict(provenance.options),
        },
    }


def _patient(advice: Advice) -> dict[str, Any]:
    times, values, channels = measured(advice.record.as_of(advice.question.now))
    content: dict[str, Any] = {
        "id": advice.record.person.subject,
        "glucose": [
            {"time_h": round(float(t), 4), "mmol_per_L": round(float(v), 3), "meter": bool(c)}
            for t, v, c in zip(times, values, channels, strict=True)
            if t <= advice.question.now
        ],
    }
    if advice.followed is not None and advice.series is not None:
        for name in ("glucose", "sensitivity"):
            last = np.asarray(getattr(advice.followed, name))[-1]
            unit = "mmol_per_L" if name == "glucose" else "L_per_mU_per_min"
            content[f"{name}_now_{unit}"] = _named(last)
        content["feeds_charted"] = not advice.series.uncharted
    return content


def _named(values: np.ndarray) -> dict[str, float]:
    return {f"q{100 * q:.0f}": float(v) for q, v in zip(QUANTILES, values, strict=True)}


def _choice(choice: Choice) -> dict[str, Any]:
    return {"hours": choice.hours, "within_limit": choice.safe, "treatment": _judged(choice.best)}


def _judged(j: Judged) -> dict[str, Any]:
    per_hour = {
        "p_below_low": j.low, "p_below_severe": j.severe, "share_in_band": j.inside, "p_end_above_high": j.above,
    }  # fmt: skip
    return {
        "insulin_U_per_h": j.insulin,
        "feed_mmol_per_min": j.feed,
        "utility": round(j.utility, 5),
        **{name: [round(float(v), 5) for v in values] for name, values in per_hour.items()},
        "band_minutes": [EVERY * (i + 1) for i in range(len(j.bands))],
        "band_mmol_per_L": {
            f"q{100 * q:.0f}": [round(float(v), 3) for v in column] for q, column in zip(BAND, j.bands.T, strict=True)
        },
    }


def _past(advice: Advice) -> dict[str, Any] | None:
    if advice.followed is None or advice.series is None:
        return None
    found: dict[str, Any] = {"time_h": [round(float(t), 4) for t in advice.series.history.time]}
    for name, values in (("glucose", advice.followed.glucose), ("sensitivity", advice.followed.sensitivity)):
        columns = np.asarray(values).T
        found[name] = {
            f"q{100 * q:.0f}": [float(f"{v:.5g}") for v in c] for q, c in zip(QUANTILES, columns, strict=True)
        }
    found["insulin_U_per_h"] = [float(v) for v in advice.series.history.u["insulin"]]
    return found
