"""Dosing advice as plain values for JSON: stable keys, units beside every number, null where there is no number."""

import math
from collections.abc import Sequence
from typing import Any

from caretwin.decide.bands import Band
from caretwin.decide.dosing import Advice
from caretwin.decide.members import Member
from caretwin.decide.personal import Personal
from caretwin.decide.ranking import Chances, Judged
from caretwin.decide.regimen import Regimen
from caretwin.decide.sensitivity import Consequence
from caretwin.review import dosing_words as words
from caretwin.review.dosing_words import Provenance

FORMAT = "caretwin.dose"
FORMAT_VERSION = 1  # a key that changes its meaning raises it; new keys do not


def as_json(
    advice: Advice,
    parameters: dict[str, tuple[Personal, ...]],
    slips: Sequence[Consequence],
    bands: Sequence[Band],
    provenance: Provenance,
) -> dict[str, Any]:
    """Everything the answer consists of; ``json.dumps(..., allow_nan=False)`` takes it."""
    drug = words.drug_of(advice)
    content = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "advises_only": words.ADVISES_ONLY,
        "advice": {
            "abstained": advice.best is None,
            "reasons": list(advice.abstained),
            "what_to_do": words.remedies(advice) if advice.abstained else [],
            "sentence": words.answer(advice),
            "regimen": None if advice.best is None else _regimen(advice.best.regimen, drug),
        },
        "question": _question(advice),
        "patient": _patient(advice),
        "findings": [
            {"severity": f.severity, "row": f.row, "column": f.column, "seen": f.seen, "wanted": f.wanted, "fix": f.fix}
            for f in advice.record.findings
        ],
        "models": [_member(m, parameters.get(m.label, ())) for m in sorted(advice.members, key=lambda m: -m.weight)],
        "excluded": [{"model": e.model, "reason": e.reason} for e in advice.excluded],
        "regimens": [_judged(j, advice, drug) for j in advice.judged],
        "current_regimen": None if advice.current is None else _judged(advice.current, advice, drug),
        "next_samples": [
            {"hours_from_now": s.hours, "utility_gain": s.gain, "exposure_variance_removed": s.variance_removed}
            for s in advice.samples
        ],
        "if_the_chart_is_wrong": [_slip(s, advice, drug) for s in slips],
        "curves": [_band(b, drug) for b in bands],
        "notes": list(advice.notes),
        "provenance": {
            "code_version": provenance.code_version,
            "computed_at": provenance.computed_at,
            "seed": provenance.seed,
            "source": provenance.source,
            "source_sha256": provenance.source_sha256,
            "models": [{"name": n, "version": v, "sha256": h} for n, v, h in provenance.models],
            "options": dict(provenance.options),
        },
    }
    return dict(_finite(content))


def _question(advice: Advice) -> dict[str, Any]:
    question, target, origin = advice.question, advice.target, advice.record.origin
    drug = words.drug_of(advice)
    return {
        "drug": question.drug,
        "now_h": question.now,
        "now": None if origin is None else words.moment(question.now, advice.record),
        "horizon_h": question.horizon,
        "target": None
        if target is None
        else {
            "kind": target.kind, "label": target.label, "low": target.low, "high": target.high, "unit": target.unit,
            "source": target.source, "assumed": target.assumed,
        },
        "mic": []
        if advice.mic is None
        else [
            {"value": v, "unit": f"{drug.dose.unit}/L", "probability": p}
            for v, p in zip(advice.mic.values, advice.mic.probabilities, strict=True)
        ],
        "preferences": {
            "cost_under": question.preferences.cost_under,
            "cost_over": question.preferences.cost_over,
            "early_share": question.preferences.early,
        },
    }  # fmt: skip


def _patient(advice: Advice) -> dict[str, Any]:
    record = advice.record
    return {
        "id": record.subject,
        "origin": None if record.origin is None else record.origin.isoformat(),
        "doses": [
            {"time_h": d.time_h, "amount": d.amount, "unit": d.unit, "duration_h": d.duration_h, "row": d.row}
            for d in record.doses
        ],
        "levels": [
            {"time_h": v.time_h, "value": v.value, "unit": v.unit, "channel": v.channel, "censoring": v.censoring,
             "row": v.row}
            for v in record.levels
        ],
        "covariates": [
            {"name": c.name, "time_h": c.time_h, "value": c.value, "unit": c.unit, "row": c.row}
            for c in record.covariates
        ],
    }  # fmt: skip


def _member(member: Member, parameters: Sequence[Personal]) -> dict[str, Any]:
    fit, drug = member.fit, member.twin.drug
    return {
        "model": member.label,
        "title": drug.title,
        "version": drug.version,
        "grade": drug.grade,
        "source": drug.source,
        "weight": member.weight,
        "domain_factor": member.domain_factor,
        "fits": member.fits,
        "trouble": member.trouble,
        "levels_tail_p": member.levels_tail,
        "patient_tail_p": member.patient_tail,
        "log_evidence": float(fit.log_evidence),
        "pareto_k": float(fit.pareto_k),
        "effective_sample_size": float(fit.ess),
        "warnings": list(member.warnings),
        "parameters": [
            {
                "name": p.name, "unit": p.unit, "median": p.median, "low90": p.low, "high90": p.high,
                "population_median": p.population[0], "population_low90": p.population[1],
                "population_high90": p.population[2], "varies": p.varies,
            }
            for p in parameters
        ],
    }  # fmt: skip


def _regimen(regimen: Regimen, drug: Any) -> dict[str, Any]:
    return {
        "text": words.in_words(regimen, drug),
        "dose": regimen.dose,
        "dose_unit": drug.dose.unit,
        "interval_h": regimen.interval,
        "duration_h": regimen.duration,
        "first_dose_in_h": regimen.start,
        "loading_dose": regimen.loading,
        "loading_duration_h": None if regimen.loading is None else regimen.loading_duration,
        "per_day": regimen.per_day,
    }


def _chances(chances: Chances | None, target: Any) -> dict[str, Any] | None:
    if chances is None:
        return None
    return {
        "p_target": chances.target, "p_under": chances.under, "p_over": chances.over,
        "exposure_mean": chances.mean, "exposure_low90": chances.low, "exposure_high90": chances.high,
        "exposure_unit": target.unit,
    }  # fmt: skip


def _judged(judged: Judged, advice: Advice, drug: Any) -> dict[str, Any]:
    return {
        "regimen": _regimen(judged.regimen, drug),
        "allowed": judged.allowed,
        "utility": judged.utility,
        "early": _chances(judged.early, advice.target),
        "late": _chances(judged.late, advice.target),
        "limits": [
            {
                "label": r.label,
                "probability": r.probability,
                "early": r.early,
                "late": r.late,
                "unavoidable": r.unavoidable,
                "allowed": r.allowed,
                "broken": r.broken,
            }
            for r in judged.risks
        ],
    }


def _slip(slip: Consequence, advice: Advice, drug: Any) -> dict[str, Any]:
    return {
        "if": slip.label,
        "early": _chances(slip.early, advice.target),
        "late": _chances(slip.late, advice.target),
        "advice_changes": advice.best is not None and slip.changes(advice.best.regimen),
        "advice_would_be": None if slip.best is None else _regimen(slip.best, drug),
        "utility_lost": slip.loss,
        "trouble": slip.trouble,
    }


def _band(band: Band, drug: Any) -> dict[str, Any]:
    return {
        "channel": band.channel,
        "unit": band.unit,
        "regimen": None if band.regimen is None else _regimen(band.regimen, drug),
        "time_h": [round(float(v), 4) for v in band.times],
        **{
            name: [float(f"{v:.6g}") for v in values]
            for name, values in (("median", band.median), ("low90", band.low), ("high90", band.high))
        },
    }


def _finite(value: Any) -> Any:
    """The same with null for every number that does not exist."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value
