"""``caretwin drug``: which models there are, what one of them says, and whether a file is right."""

from collections.abc import Iterable
from typing import Any

import click

from caretwin.base.errors import CaretwinError
from caretwin.cli.errors import friendly
from caretwin.cli.models import chosen_drug
from caretwin.twin.registry import family

SENTENCE_OF_RULE = {
    "combined_variance": "sd^2 = a^2 + (b f)^2",
    "combined_sd": "sd = a + b f",
    "log_additive": "ln y = ln f + a e",
}


@click.group()
def command() -> None:
    """List, show and check drug models."""


@command.command("list")
@click.argument("drug", required=False)
@friendly
def list_models(drug: str | None) -> None:
    """Show the shipped models, or those of one DRUG."""
    from rich.console import Console
    from rich.table import Table

    pharmacology = family("pharmacology")
    names = pharmacology.names(drug.lower() if drug else None)
    if not names:
        chosen_drug(drug or "")  # raises, and says what is near
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("name", "drug", "grade", "structure", "assumed", "population"):
        fixed = heading in ("name", "drug", "grade")
        table.add_column(heading, no_wrap=fixed, overflow="fold", justify="right" if heading == "assumed" else "left")
    for name in names:
        model = pharmacology.load(name)
        table.add_row(
            name,
            model.drug,
            model.grade,
            structure_in_words(model),
            str(len(model.assumptions)),
            model.population,
        )
    Console().print(table)


@command.command()
@click.argument("name")
@friendly
def show(name: str) -> None:
    """Show everything a model says: NAME is a shipped model or a file."""
    from rich.console import Console

    console = Console()
    for part in _pages(chosen_drug(name)):
        console.print(part)


@command.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
def check(files: tuple[str, ...]) -> None:
    """Check drug files: their text, their units, and that they reproduce their own test vectors."""
    wrong = [problem for problem in map(_problem, files) if problem]
    for problem in wrong:
        click.echo(problem, err=True)
    if wrong:
        raise SystemExit(1)


def _problem(file: str) -> str:
    """What is wrong with a file; empty after saying OK."""
    try:
        drug = chosen_drug(file)
        failed = family("pharmacology").failures(drug)
    except CaretwinError as error:
        return str(error)
    if failed:
        return "\n".join([f"{file}: {len(failed)} expected numbers are not met", *(f"  {line}" for line in failed)])
    vectors = len(drug.tests)
    note = f"{vectors} test vector{'' if vectors == 1 else 's'} met" if vectors else "no test vectors: add one"
    click.echo(f"{file}: OK, {drug.name}, grade {drug.grade}, {note}, {len(drug.assumptions)} assumptions")
    return ""


def structure_in_words(drug: Any) -> str:
    """The structure as a pharmacist would say it, such as "2 compartments, first-order absorption"."""
    s = drug.structure
    words = [f"{s.compartments} compartment{'' if s.compartments == 1 else 's'}"]
    if s.absorption == "first_order":
        words.append("first-order absorption")
    if s.elimination != "linear":
        words.append(
            {"michaelis_menten": "saturable elimination", "mixed": "linear and saturable elimination"}[s.elimination]
        )
    if s.downstream != "none":
        words.append(s.downstream.replace("_", " "))
    if s.response != "none":
        words.append(f"{s.response} response")
    if "PRODUCTION" in s.optional:
        words.append("endogenous production")
    if any(name.startswith("LAG") for name in s.optional):
        words.append("lag time")
    if any(name.startswith("D") for name in s.optional):
        words.append("estimated duration")
    if drug.occasion_etas:
        words.append("varies between occasions")
    return ", ".join(words)


def _pages(drug: Any) -> Iterable[Any]:
    yield f"[bold]{drug.title}[/bold]"
    yield f"{drug.name}, version {drug.version}, grade [bold]{drug.grade}[/bold]"
    yield from _lines(
        ("why this grade", drug.grade_reason),
        ("population", drug.population),
        ("source", drug.source),
        ("doi", drug.doi),
        ("PubMed", drug.pmid),
        ("checked", drug.checked),
        ("structure", structure_in_words(drug)),
        ("given", f"{drug.dose.route}; amounts in {drug.dose.unit}"),
    )
    yield from _parameters(drug)
    for c in drug.covariances:
        how = f"correlation {c.correlation:g}" if c.correlation is not None else f"covariance {c.covariance:g}"
        yield f"  {c.between[0]} and {c.between[1]}: {how}{' (assumed)' if c.assumed else ''}"
    if drug.definitions:
        yield _heading("Definitions")
        yield from (f"  {name} = {_escape(one.text)}" for name, one in drug.definitions.items())
    yield _covariates(drug)
    yield _errors(drug)
    yield from _aims(drug)
    yield from _practical(drug)
    yield from _bullets("Domain of validity", (f"{r.severity}: {r.message} ({r.require.text})" for r in drug.domain))
    yield from _bullets("Disputed", map(_disputed, drug.disputed))
    yield from _bullets("Assumptions", drug.assumptions)
    yield from _bullets("Notes", (f"{name}: {text}" for name, text in drug.notes.items()))
    yield from _bullets("Test vectors", (f"{t.name} ({t.origin}: {t.source})" for t in drug.tests))


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(" ".join(text.split()))


def _heading(text: str) -> str:
    return f"\n[bold]{text}[/bold]"


def _lines(*pairs: tuple[str, str | None]) -> Iterable[str]:
    return (f"  {name:15} {_escape(text)}" for name, text in pairs if text)


def _bullets(title: str, texts: Iterable[str]) -> Iterable[str]:
    found = list(texts)
    if found:
        yield _heading(title)
        yield from (f"  - {_escape(text)}" for text in found)


def _parameters(drug: Any) -> Iterable[str]:
    yield _heading("Parameters (typical values, and how far people differ)")
    for name, p in drug.parameters.items():
        yield f"  [bold]{name}[/bold] = {_escape(p.value.text)}" + (" (assumed)" if p.assumed else "")
        facts = [f"in {p.unit}"]
        facts += [f"between subjects: {_variability(p.variability, p)}"] if p.variability else []
        facts += [f"between occasions: {_variability(p.occasion, p)}"] if p.occasion else []
        facts += [text for text in (p.description, p.note, p.source) if text]
        yield "       " + _escape("; ".join(facts))


def _variability(v: Any, parameter: Any) -> str:
    kind = {"omega2": "variance", "sd": "sd", "cv": "CV"}[v.kind]
    added = f", added in {parameter.unit}" if parameter.eta == "additive" else ""
    number = f"{100 * v.printed:g} %" if v.kind == "cv" else f"{v.printed:g}"
    how = "" if v.kind == "omega2" else f" (variance {v.variance:.4g})"
    return f"{kind} {number}{how}{added}{' (assumed)' if v.assumed else ''}" + (f" ({v.note})" if v.note else "")


def _covariates(drug: Any) -> Any:
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False, title="\nCovariates", title_justify="left")
    for heading in ("", "unit", "what it is", "current for", "blocks outside", "warns outside"):
        table.add_column(heading, overflow="fold")
    for c in drug.covariates.values():
        what = "; ".join(text for text in (c.description, c.kind, c.derived and f"else {c.derived.text}") if text)
        age = f"{c.maximum_age:g} h" if c.maximum_age else "always"
        table.add_row(c.name, _escape(c.unit), _escape(what), age, _bounds(c.hard), _bounds(c.soft))
    return table


def _bounds(b: Any) -> str:
    return "-" if b is None else _range(b.low, b.high)


def _range(low: float | None, high: float | None) -> str:
    if low is None:
        return f"up to {high:g}"
    return f"at least {low:g}" if high is None else f"{low:g}-{high:g}"


def _errors(drug: Any) -> str:
    lines = [_heading("Residual error (standard deviations)")]
    for name, e in drug.errors.items():
        unit = "log units" if e.form == "log_additive" else drug.channels[name].unit
        parts = [f"b = {100 * e.proportional:g} %"] * bool(e.proportional) + [f"a = {e.additive:g} {unit}"] * bool(
            e.additive
        )
        text = f"{name} ({drug.channels[name].description}): {', '.join(parts)}; {SENTENCE_OF_RULE[e.form]}"
        lines.append("  " + _escape(text + (" - assumed" if e.assumed else "") + (f" ({e.note})" if e.note else "")))
    return "\n".join(lines)


def _aims(drug: Any) -> Iterable[str]:
    def aim(one: Any) -> str:
        unit = "" if one.unit == "1" else f" {one.unit}"
        more = f", P at most {one.maximum_probability:g}" if hasattr(one, "maximum_probability") else ""
        origin = one.source or "assumed"
        note = f" ({one.note})" if one.note else ""
        return f"{one.label}: {one.kind} {_range(one.low, one.high)}{unit}{more}; {origin}{note}"

    yield from _bullets("Targets", (aim(t) + (" [default]" if t.default else "") for t in drug.targets))
    yield from _bullets("Limits", map(aim, drug.limits))


def _practical(drug: Any) -> Iterable[str]:
    p = drug.practical
    if p is None:
        return
    rows = [
        ("doses", p.doses),
        ("intervals", p.intervals),
        ("infusion times", p.durations),
        ("loading doses", p.loading),
    ]
    texts = [f"{name}: {_choices(c)}" for name, c in rows if c is not None]
    if p.maximum_rate is not None:
        texts.append(f"at most {p.maximum_rate:g} {drug.dose.unit}/h")
    texts += ["continuous infusion is possible"] * p.continuous + ([p.note] if p.note else [])
    yield from _bullets("What can be given", texts)


def _choices(c: Any) -> str:
    values = [f"{v:g}" for v in c.values]
    shown = ", ".join(values) if len(values) <= 10 else f"{values[0]}, {values[1]}, ... {values[-1]}"
    return f"{shown} {c.unit}{' (assumed)' if c.assumed else ''}"


def _disputed(d: Any) -> str:
    return f"{d.what}: here {d.ours}; elsewhere {d.others}" + (f"; {d.consequence}" if d.consequence else "")
