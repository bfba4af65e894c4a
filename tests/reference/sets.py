"""The verification sets of field/dosing.md section 5, read once, and what the tests ask of them."""

import csv
from functools import cache

import jax
import numpy as np

from caretwin.core.history import bucket, pad_rows
from caretwin.core.simulate import run
from caretwin.ingest.nonmem_table import read_nonmem
from caretwin.record.dosing import CovariateValue, Dose, DosingRecord, Level
from caretwin.twin.dosing import bind
from caretwin.twin.population import estimate
from caretwin.twin.registry import family
from tests.paths import ROOT, shared

SETS = ("reference", "dosing")


@cache
def model(name):
    """A shipped drug model, or a model made only for a reference set."""
    pharmacology = family("pharmacology")
    if name in pharmacology.names():
        return pharmacology.load(name)
    return pharmacology.read(ROOT / "evidence" / "dosing" / "reference" / f"{name}.toml")


def rows(*parts):
    """The rows of a comma-separated reference table, header first."""
    with shared(*SETS, *parts).open(newline="") as file:
        return list(csv.reader(file))


@cache
def posologyr_data(run_name):
    """The 20 subjects of one run of set B."""
    suffix = "_modifline32" if run_name == "301" else ""
    return read_nonmem(shared(*SETS, "B_posologyr_cc0", "data", f"data_to_fit{run_name}_dist{suffix}.csv"))


@cache
def posologyr_map(run_name):
    """Etas and objective of posologyr's optima, first 20 rows: those of the subjects whose data we have."""
    table = rows("B_posologyr_cc0", "eta_map", f"eta_table_{run_name}.csv")
    values = np.array(table[1:21], float)
    return values[:, :-1], values[:, -1]


@cache
def posologyr_estimates(run_name, rule, draws=0):
    return estimate(model(f"run{run_name}_{rule}"), posologyr_data(run_name), jax.random.key(7), draws=draws)


def record(doses, levels=(), covariates=None, occasions=None):
    """Doses (h, amount, h), levels (h, value), constant covariates, and the occasion of each dose and level."""
    occasion = occasions or (lambda time: None)
    return DosingRecord(
        "one",
        tuple(Dose(t, amount, None, duration, occasion=occasion(t)) for t, amount, duration in doses),
        tuple(Level(t, value, occasion=occasion(t)) for t, value in levels),
        tuple(CovariateValue(name, 0.0, value) for name, value in (covariates or {}).items()),
    )


_run = jax.jit(run)


def curve(name, eta, doses, times, covariates=None):
    """Times, levels (the file's unit), areas of the steps and end state for given etas; rows at ``times`` at least."""
    drug = model(name)
    twin = bind(drug, record(doses, (), covariates))
    history = twin.history(times=list(times))
    history = pad_rows(history, bucket(len(history.time)))
    theta = np.zeros(twin.model.prior.mean.shape[0])
    for parameter, value in eta.items():
        theta[drug.etas.index(parameter)] = value
    found = _run(twin.model, theta, history)
    factor = drug.channels["level"].factor
    return (
        np.asarray(history.time),
        np.asarray(found.predicted[:, 0]) * factor,
        np.asarray(found.exposure) * factor,
        found.end,
    )


def at(times, values, wanted):
    """Values at the wanted times."""
    return values[np.searchsorted(times, np.asarray(wanted) - 1e-9)]


def area(times, exposure, begin, end):
    """Area under the level between two rows."""
    return exposure[(times > begin + 1e-9) & (times <= end + 1e-9)].sum()
