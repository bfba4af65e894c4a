"""Reads drug files: one TOML text, one :class:`Drug`, or an error that names line and column.

drug = read_drug("drugs/vancomycin.goti2018.toml")
drug = load_shipped()["vancomycin.goti2018"]          # read on first use, so that a start costs only what it
                                                      needs
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import numpy as np

from caretwin.base.errors import DrugFileError

from . import sections, use_sections
from .canonical import MAY_BE_ZERO, canonical_unit
from .description import Covariance, DrugChannel, Parameter
from .dimension import Kind, unit
from .drug import Drug
from .expression import Expression, Formula
from .individual import in_order
from .sections import Scope
from .structure import Structure
from .toml_table import Source, Table, nearest

SHIPPED = Path(__file__).parent / "drugs"
FORMULAS = Path(__file__).parent / "formulas.toml"
GRADES = ("draft", "verified", "validated", "monitored")


def read_drug(path: str | Path) -> Drug:
    """Read one drug file.

    Raises DrugFileError, with line and column, for anything that is not understood: bad TOML, an unknown key,
    units that do not fit, a parameter that is missing, a covariance matrix that is not positive definite.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DrugFileError(str(path), seen=str(error), wanted="a readable UTF-8 file", fix="check the path") from None
    return parse_drug(text, str(path))


def parse_drug(text: str, name: str = "drug.toml") -> Drug:
    """Read a drug file from its text; ``name`` is what errors call it. See :func:`read_drug`."""
    top = Table((source := Source(name, text)), source.data)
    structure = sections.structure(top.table("structure"))
    dose = sections.dose(top.table("dose"), structure)
    channels = sections.channels(top.table("channels"), structure, dose.unit)
    covariates, kinds = sections.covariates(top.table_or_empty("covariates"), formulas())
    _covariate_order(top, {n: c.derived for n, c in covariates.items() if c.derived is not None})
    definitions, kinds = _definitions(top.table_or_empty("definitions"), Scope(kinds, formulas()))
    known = Scope({n: kinds[n] for n in covariates}, formulas())
    parameters = _parameters(top.table("parameters"), structure, dose.unit, channels, Scope(kinds, formulas()))
    etas = tuple(n for n, p in parameters.items() if p.variability is not None)
    occasion_etas = tuple(n for n, p in parameters.items() if p.occasion is not None)
    variances = {n: p.variability.variance for n, p in parameters.items() if p.variability is not None}
    covariances = _covariances(top, variances)
    effects = tuple(dict.fromkeys((*etas, *occasion_etas)))
    practical = top.table_or_none("practical")
    drug = Drug(
        name=top.text("name"),
        version=top.text("version"),
        drug=top.text("drug"),
        title=top.text("title"),
        grade=top.choice("grade", GRADES),
        grade_reason=top.text_or_none("grade_reason"),
        population=top.text("population"),
        source=top.text("source"),
        doi=top.text_or_none("doi"),
        pmid=top.text_or_none("pmid"),
        checked=top.text("checked"),
        structure=structure,
        dose=dose,
        covariates=covariates,
        definitions=definitions,
        parameters=parameters,
        covariances=covariances,
        etas=etas,
        omega=_omega(top, etas, variances, covariances),
        occasion_etas=occasion_etas,
        occasion_omega=np.diag([p.occasion.variance for p in parameters.values() if p.occasion is not None]),
        errors=sections.errors(top.table("error"), channels),
        channels=channels,
        targets=tuple(use_sections.target(t, channels) for t in top.tables("targets")),
        limits=tuple(use_sections.limit(t, channels) for t in top.tables("limits")),
        practical=None if practical is None else use_sections.practical(practical, dose.unit),
        domain=tuple(use_sections.rule(t, known) for t in top.tables("domain")),
        disputed=tuple(use_sections.disputed(t) for t in top.tables("disputed")),
        notes=_notes(top.table_or_empty("notes")),
        tests=tuple(
            use_sections.test(t, known.kinds, tuple(parameters), effects, structure, dose.input)
            for t in top.tables("test")
        ),
        path=name,
    )
    top.finish()
    return drug


def _covariate_order(top: Table, derived: Mapping[str, Expression]) -> None:
    try:
        in_order(derived)
    except ValueError as error:
        table = top.table("covariates").table(str(error))
        raise _circle(table, "derived", str(error)) from None


def _circle(table: Table, key: str, name: str) -> DrugFileError:
    return table.error(
        key,
        seen=f"{name} refers to itself through others",
        wanted="no circle",
        fix="state one of them without the others",
    )


def _definitions(table: Table, scope: Scope) -> tuple[dict[str, Expression], dict[str, Kind]]:
    kinds = dict(scope.kinds)
    found: dict[str, Expression] = {}
    for name in table.names():
        if name in scope.kinds:
            raise table.error(name, seen=f"{name}, which is a covariate", wanted="a new name", fix="rename it")
        found[name], kinds[name] = sections.expression(table, name, Scope(kinds, scope.formulas))
    return found, kinds


def _parameters(
    table: Table, structure: Structure, dose: str, channels: Mapping[str, DrugChannel], scope: Scope
) -> dict[str, Parameter]:
    names = table.names()
    for name in structure.parameters:
        if name not in names:
            raise table.source.error(
                table.path,
                seen=f"no {name}",
                wanted=f"{', '.join(structure.parameters)}",
                fix=f"add [parameters.{name}], or correct [structure]",
            )
    tables = {
        name: table.table(name)
        for name in (*structure.parameters, *(n for n in names if n not in structure.parameters))
    }
    for name, one in tables.items():
        if name in scope.kinds:
            raise one.error(
                "value",
                seen=f"{name}, which is a covariate or definition",
                wanted="a new name",
                fix="rename it",
            )
    effect = channels["effect"].unit if "effect" in channels else "1"
    wanted = {n: canonical_unit(n, dose, effect, structure.response) for n in structure.parameters}
    units = {name: sections.ucum(one, "unit", like=wanted.get(name)) for name, one in tables.items()}
    kinds = {**scope.kinds, **{name: unit(code)[1] for name, code in units.items()}}
    found = {
        name: _parameter(name, one, units[name], wanted.get(name), Scope(kinds, scope.formulas))
        for name, one in tables.items()
    }
    _check_use(tables, found, structure)
    return found


def _parameter(name: str, table: Table, code: str, canonical: str | None, scope: Scope) -> Parameter:
    occasion = table.table_or_none("occasion")
    between = sections.variability(table)
    inside = None if occasion is None else sections.variability(occasion)
    if occasion is not None:
        occasion.finish()
    random = between is not None or inside is not None
    eta = table.choice("eta", ("exponential", "additive"), "exponential" if random else "none")
    found = Parameter(
        name=name,
        value=sections.value(table, "value", code, scope),
        unit=code,
        factor=1.0 if canonical in (None, code) else unit(code)[0] / unit(canonical)[0],
        eta=eta,
        variability=between,
        occasion=inside,
        assumed=table.truth("assumed"),
        source=table.text_or_none("source"),
        note=table.text_or_none("note"),
        description=table.text_or_none("description"),
        auxiliary=canonical is None,
        positive=canonical is not None and name not in MAY_BE_ZERO,
    )
    _check_number(table, found)
    table.text("unit")
    table.finish()
    return found


def _check_number(table: Table, parameter: Parameter) -> None:
    """A value without covariates must be a number that the parameter can have."""
    if parameter.value.names:
        return
    with np.errstate(all="ignore"):
        value = float(parameter.value.evaluate({}, np))
    least = "a number above 0" if parameter.positive else "a number"
    if not np.isfinite(value) or (parameter.positive and value <= 0):
        raise table.error("value", seen=f"{value:g}", wanted=least, fix="correct the value")


def _check_use(tables: Mapping[str, Table], found: Mapping[str, Parameter], structure: Structure) -> None:
    used = set().union(*(p.value.names for p in found.values()))
    for name, parameter in found.items():
        if parameter.auxiliary and name not in used:
            raise tables[name].source.error(
                tables[name].path,
                seen=f"the parameter {name}, which nothing uses",
                wanted=f"one of {', '.join(structure.parameters)}, or one that another parameter refers to",
                fix=nearest(name, structure.parameters),
            )
    try:
        in_order({name: p.value for name, p in found.items()})
    except ValueError as error:
        raise _circle(tables[str(error)], "value", str(error)) from None


def _covariances(top: Table, variances: Mapping[str, float]) -> tuple[Covariance, ...]:
    found = []
    for table in top.tables("covariance"):
        between = table.texts("between")
        if len(between) != 2 or between[0] == between[1] or not set(between) <= variances.keys():
            raise table.error(
                "between",
                seen=str(list(between)),
                wanted=f"two of {', '.join(variances)}",
                fix="name two parameters that vary between subjects",
            )
        correlation = table.number_or("correlation", None)
        if (correlation is None) == ("covariance" not in table):
            raise table.error(
                "between",
                seen="both or neither of covariance and correlation",
                wanted="one of them",
                fix="keep what the source prints",
            )
        if correlation is None:
            value = table.number("covariance")
        else:
            value = correlation * float(np.sqrt(variances[between[0]] * variances[between[1]]))
            table.number_or("covariance", None)
        found.append(
            Covariance(
                (between[0], between[1]),
                value,
                correlation,
                table.truth("assumed"),
                table.text_or_none("note"),
            )
        )
        table.finish()
    return tuple(found)


def _omega(
    top: Table, etas: tuple[str, ...], variances: Mapping[str, float], covariances: tuple[Covariance, ...]
) -> np.ndarray:
    omega = np.diag([variances[name] for name in etas]).reshape(len(etas), len(etas))
    for c in covariances:
        i, j = (etas.index(name) for name in c.between)
        omega[i, j] = omega[j, i] = c.covariance
    if len(etas) and np.linalg.eigvalsh(omega)[0] <= 0:
        raise top.error(
            "covariance",
            seen=f"a matrix with smallest eigenvalue {np.linalg.eigvalsh(omega)[0]:.3g}",
            wanted="a positive definite covariance of the random effects",
            fix="check the covariances: none may exceed the root of the product of its variances",
        )
    return omega


def _notes(table: Table) -> dict[str, str]:
    return {name: table.text(name) for name in table.names()}


@cache
def formulas() -> Mapping[str, Formula]:
    """The named formulas that every drug file may call, from formulas.toml."""
    top = Table((source := Source(FORMULAS.name, FORMULAS.read_text(encoding="utf-8"))), source.data)
    return {name: _formula(name, top.table(name)) for name in top.names()}


def _formula(name: str, table: Table) -> Formula:
    arguments = table.table("arguments")
    units = {argument: sections.ucum(arguments, argument) for argument in arguments.names()}
    scope = Scope({argument: unit(code)[1] for argument, code in units.items()}, {})
    code = sections.ucum(table, "unit")
    body = sections.value(table, "value", code, scope)
    found = Formula(name, tuple(units), tuple(units.values()), code, body, table.text("source"))
    table.text_or_none("note")
    table.finish()
    return found


class Shelf(Mapping[str, Drug]):
    """The drug files of a folder by model name; each is read once, when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._paths = {p.name.removesuffix(".toml"): p for p in sorted(folder.glob("*.toml"))}
        self._read: dict[str, Drug] = {}

    def __getitem__(self, name: str) -> Drug:
        if name not in self._read:
            path = self._paths[name]
            drug = read_drug(path)
            if drug.name != name:
                raise DrugFileError(
                    str(path),
                    seen=f"the name {drug.name}",
                    wanted=f"{name}, as the file is called",
                    fix="rename one of them",
                )
            self._read[name] = drug
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def __contains__(self, name: object) -> bool:
        return name in self._paths

    def of(self, drug: str) -> dict[str, Drug]:
        """The models of one drug, by model name: ``of("vancomycin")`` reads only the vancomycin files."""
        return {name: self[name] for name in self._paths if name.split(".")[0] == drug}


@cache
def load_shipped() -> Shelf:
    """The drug models that come with caretwin, by name such as "vancomycin.goti2018"; files are read when
    asked for."""
    return Shelf(SHIPPED)
