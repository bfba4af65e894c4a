"""Forecasts of vital signs against what was charted, beside persistence and an autoregression with the same data.

Both rules are fitted on other people (five folds of people), and both are dressed with the residuals that they left
there, as they are and not as a normal distribution would have them: saturation is skewed and changes have long tails.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from caretwin.core.score.crps import crps_ensemble
from caretwin.twin.vital_forecasts import CHANNELS, HORIZONS_H, Target

FOLDS = 5
QUANTILES = np.linspace(0.0025, 0.9975, 201)
"""Of the residuals of other people, with which a rule is dressed."""


class Scored(NamedTuple):
    """Every forecast of one channel and horizon, n of them.

    subject                  [n] identifiers of stays
    crps, persistence, ar    [n] CRPS of the twin and of the two rules, in the channel's unit
    covered, covered_ar      [n] whether the central 90 % held the value
    miss, miss_persistence, miss_ar   [n] absolute error of the median; of the last value; of the rule's median
    """

    subject: tuple[str, ...]
    crps: Float[np.ndarray, " n"]
    persistence: Float[np.ndarray, " n"]
    ar: Float[np.ndarray, " n"]
    covered: Bool[np.ndarray, " n"]
    covered_ar: Bool[np.ndarray, " n"]
    miss: Float[np.ndarray, " n"]
    miss_persistence: Float[np.ndarray, " n"]
    miss_ar: Float[np.ndarray, " n"]


def score(
    targets: Sequence[Target],
    person_of: Mapping[str, str] | None = None,
    groups: Mapping[str, Mapping[str, str]] | None = None,
) -> dict[str, Any]:
    """By channel and horizon (h, as text): n, subjects, crps, crps_persistence, crps_ar, coverage90, coverage90_ar, ...

    person_of  who a stay belongs to (several stays of one person are in one fold); None: each stay is a person
    groups     by property, then by stay, its group: adds ``groups`` with the same scores by property and group; the
               rules stay those that were fitted on all

    ``crps_persistence`` is the last value with the changes seen in other people. The autoregression is a least-squares
    rule on the last value, the one before and the mean of the day. Only ``n`` where there are fewer people than folds.
    """
    people = person_of or {}
    scored: dict[str, dict[str, Scored | int]] = {}
    for channel in CHANNELS:
        for horizon in HORIZONS_H:
            chosen = [t for t in targets if t.channel == channel and t.horizon_h == horizon]
            scored.setdefault(channel, {})[f"{horizon:g}"] = scored_of(chosen, people)
    answer: dict[str, Any] = _summaries(scored, None)
    if groups is not None:
        answer["groups"] = {
            name: {
                group: _summaries(scored, {s for s, g in group_of.items() if g == group})
                for group in sorted(set(group_of.values()))
            }
            for name, group_of in groups.items()
        }
    return answer


def _summaries(scored: Mapping[str, Mapping[str, Scored | int]], subjects: set[str] | None) -> dict[str, Any]:
    return {c: {h: summary(one, subjects) for h, one in horizons.items()} for c, horizons in scored.items()}


def scored_of(targets: Sequence[Target], person_of: Mapping[str, str]) -> Scored | int:
    """The scores of every forecast of one channel and horizon; only their number when too few people have one."""
    person = [person_of.get(t.subject, t.subject) for t in targets]
    if len(set(person)) < FOLDS:
        return len(targets)
    y = np.array([t.value for t in targets])
    samples = np.stack([t.samples for t in targets])
    last = np.array([t.last for t in targets])
    design = np.array([(1.0, t.last, t.previous, t.usual) for t in targets])
    fold = folds(person)
    ar = dressed(design, y, fold)
    low, middle, high = np.quantile(samples, [0.05, 0.5, 0.95], axis=1)
    low_ar, middle_ar, high_ar = np.quantile(ar, [0.05, 0.5, 0.95], axis=1)
    return Scored(
        subject=tuple(t.subject for t in targets),
        crps=np.asarray(crps_ensemble(samples, y)),
        persistence=np.asarray(crps_ensemble(dressed(last[:, None], y, fold, fitted=False), y)),
        ar=np.asarray(crps_ensemble(ar, y)),
        covered=(low <= y) & (y <= high),
        covered_ar=(low_ar <= y) & (y <= high_ar),
        miss=np.abs(middle - y),
        miss_persistence=np.abs(last - y),
        miss_ar=np.abs(middle_ar - y),
    )


def summary(scored: Scored | int, subjects: set[str] | None = None) -> dict[str, float]:
    """Means over the forecasts, or over those of some subjects; only ``n`` where there are none."""
    if isinstance(scored, int):
        return {"n": scored} if subjects is None else {"n": 0}
    rows = np.array([subjects is None or s in subjects for s in scored.subject])
    if not rows.any():
        return {"n": 0}
    return {
        "n": int(rows.sum()),
        "subjects": len({s for s, chosen in zip(scored.subject, rows, strict=True) if chosen}),
        "crps": float(np.mean(scored.crps[rows])),
        "crps_persistence": float(np.mean(scored.persistence[rows])),
        "crps_ar": float(np.mean(scored.ar[rows])),
        "coverage90": float(np.mean(scored.covered[rows])),
        "coverage90_ar": float(np.mean(scored.covered_ar[rows])),
        "mae": float(np.mean(scored.miss[rows])),
        "mae_persistence": float(np.mean(scored.miss_persistence[rows])),
        "mae_ar": float(np.mean(scored.miss_ar[rows])),
    }


def folds(people: Sequence[str]) -> np.ndarray:
    """The fold of every row: people in order of their identifiers, dealt in turn, so that none is in two folds."""
    order = {person: i % FOLDS for i, person in enumerate(sorted(set(people)))}
    return np.array([order[person] for person in people])


def dressed(
    design: Float[np.ndarray, "n p"], y: Float[np.ndarray, " n"], fold: np.ndarray, *, fitted: bool = True
) -> Float[np.ndarray, "n 201"]:
    """Forecast of every row by a rule of the other folds, with the quantiles of the residuals that it left there.

    fitted  least squares on the columns of ``design``; otherwise their sum as it is
    """
    answer = np.empty((len(y), len(QUANTILES)))
    for k in range(FOLDS):
        out = fold == k
        weights = np.linalg.lstsq(design[~out], y[~out], rcond=None)[0] if fitted else np.ones(design.shape[1])
        left = y[~out] - design[~out] @ weights
        answer[out] = (design[out] @ weights)[:, None] + np.quantile(left, QUANTILES)
    return answer
