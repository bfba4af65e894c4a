"""Drug models of nothing but numbers, for tests of kinetics: a structure, its parameters, doses, and what follows."""

import jax
import numpy as np

from caretwin.core.events import GivenDose, Sample, Series
from caretwin.core.history import bucket, pad_rows
from caretwin.core.simulate import run
from caretwin.models.pharmacology.assembly import dynamics
from caretwin.models.pharmacology.canonical import canonical_unit
from caretwin.models.pharmacology.drug_file import parse_drug
from caretwin.models.pharmacology.structure import Structure
from caretwin.models.pharmacology.timeline import build_history

TEMPLATE = """
name = "plain.test"
version = "1"
drug = "plain"
title = "a structure and its numbers"
grade = "draft"
population = "nobody"
source = "made up for a test"
checked = "2026-01-01"
[dose]
unit = "mg"
route = "any"
input = "{first}"
[structure]
compartments = {compartments}
absorption = "{absorption}"
elimination = "{elimination}"
downstream = "{downstream}"
response = "{response}"
optional = [{optional}]
"""


def plain_drug(
    values, *, compartments=1, omega=None, occasion=None, error="proportional = 0.2", covariates="", **shape
):
    """A drug with the given individual values (mg, L, h), ``shape`` as in Structure.

    omega, occasion  {name: variance} between subjects and between occasions
    """
    shape = {"absorption": "none", "elimination": "linear", "downstream": "none", "response": "none"} | shape
    optional = tuple(n for n in ("F1", "F2", "LAG1", "LAG2", "D1", "D2", "PRODUCTION") if n in values)
    structure = Structure(compartments, optional=optional, **shape)
    text = TEMPLATE.format(
        compartments=compartments, first=structure.inputs[0], optional=", ".join(f'"{n}"' for n in optional), **shape
    )
    for channel in structure.channels:
        unit = "1" if channel == "effect" else "mg/L"
        text += f'[channels.{channel}]\nunit = "{unit}"\ndescription = "test"\n'
        form = "" if "form" in error else 'form = "combined_variance"\n'
        text += f"[error.{channel}]\n{form}{error}\n"
    for name in structure.parameters:
        unit = canonical_unit(name, "mg", "1", structure.response)
        value = values[name] if isinstance(values[name], str) else f"{values[name]!r} [{unit}]"
        text += f'[parameters.{name}]\nvalue = "{value}"\nunit = "{unit}"\n'
        if omega and name in omega:
            text += f"omega2 = {omega[name]!r}\n"
        if occasion and name in occasion:
            text += f"occasion = {{ omega2 = {occasion[name]!r} }}\n"
    return parse_drug(text + covariates)


def dose(time, amount, duration=0.0, target=0, order=0):
    return GivenDose(float(time), float(amount), float(duration), target, order)


def sample(time, value, kind=1, channel=0, order=1 << 20):
    return Sample(float(time), channel, float(value), kind, order)


def history(drug, doses, times=(), samples=(), covariates=None, rows=None, occasions=None):
    """A history padded to a bucket, so that tests of one structure share a program."""
    series = {
        name: value if isinstance(value, Series) else Series((0.0,), (float(value),))
        for name, value in (covariates or {}).items()
    }
    model = dynamics(drug)
    found = build_history(
        drug,
        doses,
        samples,
        series,
        times=[float(t) for t in times],
        movable=model.movable,
        start=0.0,
        occasions=occasions,
    )
    return pad_rows(found, rows or bucket(len(found.time)))


_run = jax.jit(run)


class Curve:
    """Levels (mg/L) and other channels at every row, areas of the steps, and the state at the end."""

    def __init__(self, drug, doses, times, covariates=None, rows=None):
        model = dynamics(drug)
        found = _run(model, np.zeros(model.prior.mean.shape[0]), history(drug, doses, times, (), covariates, rows))
        self.time = np.asarray(found.time)
        self.values = np.asarray(found.predicted)
        self.areas = np.asarray(found.exposure)
        self.end = {name: float(value) for name, value in found.end.items()}
        self.rows = np.searchsorted(self.time, np.asarray(times, float) - 1e-9)

    @property
    def levels(self):
        """At the wanted times, the first channel."""
        return self.values[self.rows, 0]

    @property
    def effects(self):
        """At the wanted times, the last channel."""
        return self.values[self.rows, -1]

    def area(self, begin=0.0, end=np.inf):
        return self.areas[(self.time > begin + 1e-9) & (self.time <= end + 1e-9)].sum()
