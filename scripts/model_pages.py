"""One page per drug model, written from the model itself while the documentation is built.

As a hook of mkdocs it adds ``models/index.md`` and ``models/NAME.md`` to the site; nothing is written into docs/.
Run by hand, it prints the page of one model:

    python scripts/model_pages.py vancomycin.goti2018
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from caretwin.twin.registry import family

GRADES = {
    "draft": "read from one source, not yet compared with a second",
    "verified": "the numbers equal at least one independent second source",
    "validated": "and its forecasts were scored on measured patients",
    "monitored": "and it is scored where it is used",
}
ERROR_RULES = {
    "combined_variance": "sd² = a² + (b f)²",
    "combined_sd": "sd = a + b f",
    "log_additive": "ln y = ln f + a e",
}


def on_files(files: Any, config: Any) -> Any:
    """mkdocs calls this with the files of the site; the generated pages join them."""
    from mkdocs.structure.files import File

    for path, text in pages().items():
        if files.get_file_from_path(path) is None:  # a page written by hand stays
            files.append(File.generated(config, path, content=text))
    return files


def pages() -> dict[str, str]:
    """Text of every generated page by its path below docs/."""
    pharmacology = family("pharmacology")
    drugs = [pharmacology.load(name) for name in pharmacology.names()]
    return {"models/index.md": contents(drugs), **{f"models/{drug.name}.md": page(drug) for drug in drugs}}


def contents(drugs: Sequence[Any]) -> str:
    """The list of all models."""
    rows = (
        (f"[{d.name}]({d.name}.md)", d.grade, d.population, str(len(d.assumptions)), str(len(d.disputed)))
        for d in drugs
    )
    grades = (f"- **{grade}**: {meaning}" for grade, meaning in GRADES.items())
    return "\n".join(
        [
            "# Drug models",
            "",
            f"{len(drugs)} models. Each page is written from the model's own file: it says what the model says.",
            "",
            *table(("model", "grade", "population", "assumed numbers", "disputed points"), rows),
            "",
            "Grades:",
            "",
            *grades,
            "",
        ]
    )


def page(drug: Any) -> str:
    """The page of one model."""
    return "\n".join(line for part in PARTS for line in part(drug)) + "\n"


def introduction(drug: Any) -> Iterator[str]:
    """Who the model is for, and where it comes from."""
    yield from (f"# {drug.title}", "")
    yield from (f"`{drug.name}`, version {drug.version}, grade **{drug.grade}**", "")
    facts = {
        "why this grade": drug.grade_reason,
        "population": drug.population,
        "source": drug.source,
        "doi": drug.doi and f"[{drug.doi}](https://doi.org/{drug.doi})",
        "PubMed": drug.pmid,
        "last compared with its sources": drug.checked,
        "given": f"{drug.dose.route}, amounts in `{drug.dose.unit}`",
        "compartments": str(drug.structure.compartments),
        "absorption": words(drug.structure.absorption),
        "elimination": words(drug.structure.elimination),
        "response": words(drug.structure.response),
    }
    yield from table(("", ""), ((name, value) for name, value in facts.items() if value and value != "none"))


def assumptions(drug: Any) -> Iterator[str]:
    """First of all what nobody measured."""
    if drug.assumptions:
        yield from ("", f'!!! warning "{len(drug.assumptions)} numbers of this model are assumed"', "")
        yield from (f"    - {one}" for one in drug.assumptions)


def parameters(drug: Any) -> Iterator[str]:
    """Typical values and variability."""
    yield from ("", "## Parameters", "")
    rows = (
        (
            f"`{p.name}`",
            code(p.value.text),
            f"`{p.unit}`",
            variability(p.variability),
            variability(p.occasion),
            "; ".join(text for text in (p.description, p.note, p.source, p.assumed and "**assumed**") if text),
        )
        for p in drug.parameters.values()
    )
    heads = ("parameter", "typical value", "unit", "variance between patients", "between occasions", "")
    yield from table(heads, rows)
    if drug.definitions:
        yield from ("", "where", "")
        yield from (f"- `{name}` = {code(one.text)}" for name, one in drug.definitions.items())
    if drug.covariances:
        yield ""
        for c in drug.covariances:
            how = f"covariance {c.covariance:g}" if c.correlation is None else f"correlation {c.correlation:g}"
            yield f"- `{c.between[0]}` and `{c.between[1]}`: {how}{' (assumed)' if c.assumed else ''}"


def covariates(drug: Any) -> Iterator[str]:
    """What has to be known about the patient."""
    if not drug.covariates:
        return
    yield from ("", "## Covariates", "")
    rows = (
        (
            f"`{c.name}`",
            "yes or no" if c.flag else f"`{c.unit}`",
            "; ".join(text for text in (c.description, c.kind) if text),
            code(c.derived.text) if c.derived else "",
            f"{c.maximum_age:g} h" if c.maximum_age else "always",
            bounds(c.hard),
            bounds(c.soft),
        )
        for c in drug.covariates.values()
    )
    yield from table(
        ("name", "unit", "what", "else computed as", "current for", "no advice outside", "warning outside"),
        rows,
    )


def errors(drug: Any) -> Iterator[str]:
    """How far a measurement lies from the truth."""
    yield from ("", "## Residual error", "")
    rows = (
        (
            name,
            drug.channels[name].description,
            f"{e.additive:g} " + ("log units" if e.form == "log_additive" else f"`{drug.channels[name].unit}`"),
            f"{100 * e.proportional:g} %",
            ERROR_RULES[e.form],
            "; ".join(text for text in (e.note, e.assumed and "**assumed**") if text),
        )
        for name, e in drug.errors.items()
    )
    yield from table(("channel", "what", "a", "b", "rule", ""), rows)


def aims(drug: Any) -> Iterator[str]:
    """Targets and limits."""
    for title, aims in (("Targets", drug.targets), ("Limits", drug.limits)):
        if not aims:
            continue
        yield from ("", f"## {title}", "")
        for one in aims:
            unit = "" if one.unit == "1" else f" `{one.unit}`"
            allowed = (
                f", probability at most {one.maximum_probability:g}" if hasattr(one, "maximum_probability") else ""
            )
            origin = one.source or "**assumed**"
            note = f" ({one.note})" if one.note else ""
            yield f"- {one.label}: {words(one.kind)} {span(one.low, one.high)}{unit}{allowed}. {origin}{note}"


def domain(drug: Any) -> Iterator[str]:
    """For whom the model does not advise."""
    if drug.domain:
        yield from ("", "## Where it holds", "")
        rows = (
            ("no advice" if r.severity == "hard" else "warning", code(r.require.text), r.message) for r in drug.domain
        )
        yield from table(("else", "required", "what it says"), rows)


def disputed(drug: Any) -> Iterator[str]:
    """Where sources disagree."""
    if drug.disputed:
        yield from ("", "## Disputed points", "")
        rows = ((d.what, d.ours, d.others, d.consequence or "") for d in drug.disputed)
        yield from table(("point", "here", "elsewhere", "what follows"), rows)


def notes(drug: Any) -> Iterator[str]:
    """Remarks of the file, and the calculations with known answers it brings along."""
    if drug.notes:
        yield from ("", "## Notes", "")
        yield from (f"- {words(name)}: {flat(text)}" for name, text in drug.notes.items())
    if drug.tests:
        yield from ("", "## Checked against", "")
        yield from table(("calculation", "origin", "source"), ((t.name, t.origin, t.source) for t in drug.tests))


PARTS: tuple[Callable[[Any], Iterable[str]], ...] = (
    introduction,
    assumptions,
    parameters,
    covariates,
    errors,
    aims,
    domain,
    disputed,
    notes,
)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A Markdown table."""
    yield "| " + " | ".join(heads) + " |"
    yield "|" + "---|" * len(heads)
    for row in rows:
        yield "| " + " | ".join(flat(cell).replace("|", "\\|") for cell in row) + " |"


def flat(text: str) -> str:
    """One line."""
    return " ".join(text.split())


def words(text: str) -> str:
    """A name of the file format as words."""
    return text.replace("_", " ")


def code(text: str) -> str:
    """An expression, as the file writes it."""
    return f"`{flat(text)}`"


def span(low: float | None, high: float | None) -> str:
    """A range in words."""
    if low is None:
        return "any" if high is None else f"up to {high:g}"
    return f"at least {low:g}" if high is None else f"{low:g} to {high:g}"


def bounds(b: Any) -> str:
    """A range with its message."""
    return "" if b is None else f"{span(b.low, b.high)}: {b.message}"


def variability(v: Any) -> str:
    """The variance that the model uses, and the number it was made of."""
    if v is None:
        return ""
    printed = {"omega2": "", "sd": f" (sd {v.printed:g})", "cv": f" (CV {100 * v.printed:g} %)"}[v.kind]
    return f"{v.variance:.4g}{printed}{' **assumed**' if v.assumed else ''}"


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(page(family("pharmacology").load(name)))
