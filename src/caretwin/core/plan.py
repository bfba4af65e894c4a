"""What will be done: inputs from now on, and interventions that set one of them for a while.

An input is a level or a rate that holds throughout an interval (an infusion in mg/h, an inspired fraction of
oxygen); an intervention replaces it between two instants, so steps must split there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Float

from caretwin.base.errors import PlanError

Array = np.ndarray


@dataclass(frozen=True)
class Do:
    """Set one input to a value from ``start`` until just before ``stop``.

    target       name of the input
    value        in the input's unit
    start, stop  hours from the subject's origin; stop may be infinite

    Raises :class:`PlanError` when it does not last, or when a number is not one.
    Example: ``Do("norepinephrine", 0.0, start=6.0, stop=8.0)`` pauses it for two hours.
    """

    target: str
    value: float
    start: float
    stop: float = float("inf")

    def __post_init__(self) -> None:
        if not (np.isfinite(self.value) and np.isfinite(self.start) and not np.isnan(self.stop)):
            raise PlanError(
                f"intervention on {self.target}",
                seen=f"value {self.value} from {self.start} h to {self.stop} h",
                wanted="a finite value and start, and a stop that may be infinite",
                fix="give the missing number; to end an intervention, give its stop",
            )
        if self.stop <= self.start:
            raise PlanError(
                f"intervention on {self.target}",
                seen=f"start {self.start} h, stop {self.stop} h: it lasts {self.stop - self.start} h",
                wanted="a stop after the start",
                fix="exchange the two, or leave the intervention out",
            )


@dataclass(frozen=True)
class Plan:
    """Interventions, at most one at a time on each input; ``Plan()`` changes nothing.

    Raises :class:`PlanError` when two of them hold the same input at the same time.
    Example: ``Plan((Do("rate", 0.0, 6.0, 8.0), Do("rate", 10.0, 8.0, 24.0)))``.
    """

    actions: tuple[Do, ...] = ()

    def __post_init__(self) -> None:
        for first, second in combinations(sorted(self.actions, key=lambda do: do.start), 2):
            if first.target == second.target and second.start < first.stop:
                raise PlanError(
                    f"plan for {first.target}",
                    seen=f"{first.value} until {first.stop} h and {second.value} from {second.start} h",
                    wanted="one value at a time",
                    fix=f"stop the first at {second.start} h, or start the second at {first.stop} h",
                )


def union_grid(grid: Float[Array, " G"], *plans: Plan) -> Float[Array, " H"]:
    """The times of ``grid`` [h] and every start and stop that falls between its first and last, sorted, each
    once."""
    grid = checked_grid(grid)
    breaks = [t for plan in plans for do in plan.actions for t in (do.start, do.stop)]
    inside = [t for t in breaks if grid[0] < t < grid[-1]]
    return np.unique(np.concatenate([grid, np.asarray(inside, dtype=float)]))


def regrid(
    inputs: Mapping[str, Float[Array, " G"]], grid: Float[Array, " G"], finer: Float[Array, " H"]
) -> dict[str, Float[Array, " H"]]:
    """The same inputs on a grid that contains ``grid``: each new interval has what held in the old one around
    it.

    Row g of an input is what holds from grid[g-1] to grid[g]; row 0 is what holds until grid[0].
    """
    row = np.minimum(np.searchsorted(checked_grid(grid), finer, side="left"), len(grid) - 1)
    return {name: np.asarray(values, dtype=float)[row] for name, values in inputs.items()}


def apply(
    plan: Plan, inputs: Mapping[str, Float[Array, " G"]], grid: Float[Array, " G"]
) -> dict[str, Float[Array, " G"]]:
    """Inputs by name [G] with the plan in place: row g is what holds from grid[g-1] to grid[g].

    plan    its starts and stops inside the grid must be times of the grid (see :func:`union_grid`)
    inputs  by name, [G], in their own units
    grid    [G] non-decreasing, hours; row 0 takes what holds just before grid[0]

    Raises :class:`PlanError` for a target that is no input, inputs of another length, and a start or stop
    that falls inside a step. Example: ``apply(Plan((Do("rate", 0.0, 1.0, 2.0),)), {"rate": np.full(4, 5.0)},
    np.arange(4.0))`` has 5, 5, 0, 5.
    """
    grid = checked_grid(grid)
    planned = {name: np.array(values, dtype=float) for name, values in inputs.items()}
    for name, values in planned.items():
        if values.shape[:1] != grid.shape:
            raise PlanError(
                f"input {name}",
                seen=f"{values.shape[0] if values.ndim else 'one'} values for {len(grid)} times",
                wanted="one value per time of the grid",
                fix="repeat a constant with numpy.full(len(grid), value)",
            )
    for do in plan.actions:
        _check_target(do, planned)
        _check_on_grid(do, grid)
        planned[do.target][(do.start < grid) & (grid <= do.stop)] = do.value
    return planned


def checked_grid(grid: Float[Array, " G"]) -> Float[Array, " G"]:
    """``grid`` as an array [G]; raises :class:`PlanError` unless its times are finite and in order."""
    times = np.asarray(grid, dtype=float)
    if times.ndim != 1 or len(times) == 0 or not np.all(np.isfinite(times)) or np.any(np.diff(times) < 0):
        raise PlanError(
            "grid of a plan",
            seen=f"times {times}",
            wanted="at least one finite time (h), none earlier than the one before",
            fix="sort the times, and leave out those that are missing",
        )
    return times


def _check_target(do: Do, inputs: Mapping[str, Array]) -> None:
    if do.target not in inputs:
        raise PlanError(
            f"intervention on {do.target}",
            seen=f"no input of that name among {', '.join(sorted(inputs)) or 'none at all'}",
            wanted="the name of an input of the model",
            fix="correct the name, or give the input its present course first",
        )


def _check_on_grid(do: Do, grid: Float[Array, " G"]) -> None:
    for name, time in (("start", do.start), ("stop", do.stop)):
        if grid[0] < time < grid[-1] and time not in grid:
            raise PlanError(
                f"intervention on {do.target}",
                seen=f"{name} {time} h, inside a step of the grid",
                wanted="a time of the grid: an input holds throughout a step",
                fix="make the grid with union_grid and the inputs with regrid",
            )
