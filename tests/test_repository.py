"""Claims about the repository itself: no import cycle, no private address, nothing undocumented."""

import ast
import json
import re
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path

import click
import pytest
import yaml

from tests.paths import ROOT

SOURCE = ROOT / "src" / "caretwin"
DOCS = ROOT / "docs"


def tracked_files() -> list[Path]:
    """Files that git keeps, and files that it would keep: what somebody else will see."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for name in names.split("\0") if name and (path := ROOT / name).is_file()]


# ---- imports -------------------------------------------------------------------------------------------------------


def module_name(path: Path) -> str:
    parts = ("caretwin", *path.relative_to(SOURCE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_on_load(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Imports that run when a module is loaded: not those inside functions, nor those for the type checker."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from (found for child in node.orelse for found in imports_on_load(child))
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from imports_on_load(node)


def imported_modules(tree: ast.AST, name: str, is_package: bool, known: frozenset[str]) -> set[str]:
    found: set[str] = set()
    for node in imports_on_load(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name in known}
            continue
        package = name.split(".") if is_package else name.split(".")[:-1]
        base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
        origin = ".".join(part for part in (base, node.module) if part)
        for alias in node.names:
            submodule = f"{origin}.{alias.name}"
            found |= {submodule if submodule in known else origin} & known
    return found - {name}


def import_graph() -> dict[str, set[str]]:
    files = {module_name(path): path for path in SOURCE.rglob("*.py")}
    known = frozenset(files)
    return {
        name: imported_modules(ast.parse(path.read_text("utf-8")), name, path.name == "__init__.py", known)
        for name, path in files.items()
    }


def a_cycle(graph: Mapping[str, set[str]]) -> list[str]:
    """One cycle as a list of names that ends where it starts, or an empty list."""
    done: set[str] = set()

    def walk(name: str, trail: list[str]) -> list[str]:
        if name in trail:
            return [*trail[trail.index(name) :], name]
        if name in done:
            return []
        for other in sorted(graph[name]):
            if found := walk(other, [*trail, name]):
                return found
        done.add(name)
        return []

    return next((found for name in sorted(graph) if (found := walk(name, []))), [])


def test_a_cycle_of_imports_would_be_found():
    assert a_cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert a_cycle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []
    tree = ast.parse("if TYPE_CHECKING:\n    import x.a\nfrom . import b\ndef f():\n    import x.c\n")
    assert imported_modules(tree, "x.y", False, frozenset({"x", "x.a", "x.b", "x.c", "x.y"})) == {"x.b"}


def test_no_module_imports_itself_by_a_detour():
    assert a_cycle(import_graph()) == []


# ---- what a stranger may see ---------------------------------------------------------------------------------------

# Written in pieces, so that this file does not hold what it forbids.
PRIVATE = re.compile(
    "|".join(
        [
            r"(?<![\w.~-])/(?:work|root|home/\w+|Users/\w+)" + r"/\w",
            r"file:" + r"///",
            r"py" + r"pi\.org",
            r"python" + r"hosted\.org",
            r"registry\.npm" + r"js",
            r"deb\.debian" + r"\.org",
        ]
    )
)


def test_a_private_path_would_be_found():
    for text in (
        "see /" + "work/main",
        "/" + "home/ada/x",
        "file:" + "///opt",
        "https://py" + "pi.org/simple",
    ):
        assert PRIVATE.search(text), text
    for text in ("at work/rest", "docs/root/x", "mg/L", "~/work/x", "ward/home/unit"):
        assert not PRIVATE.search(text), text


def test_no_file_names_a_private_path_or_a_package_index():
    found = []
    for path in tracked_files():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        lines = (line for line, words in enumerate(text.splitlines(), 1) if PRIVATE.search(words))
        found += [f"{path.relative_to(ROOT)}:{line}" for line in lines]
    assert found == []


def test_the_lock_file_holds_names_versions_and_hashes_only():
    lines = (ROOT / "requirements.lock").read_text("utf-8").splitlines()
    pinned = re.compile(r"[a-z0-9-]+==[\w.]+( ; [\w .<>='!]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?")
    assert [line for line in lines if not pinned.fullmatch(line)] == []


def test_the_lock_file_pins_every_declared_dependency():
    def canonical(name: str) -> str:
        return re.sub(r"[-_.]+", "-", name).lower()

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    wanted = {canonical(re.match(r"[\w.-]+", text)[0]) for text in declared}
    locked = re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE)
    assert wanted - set(locked) == set()


# Addresses of people who ask for support stand in a lock file of npm, and nothing is fetched from them.
NPM_LOCK = ROOT / "web" / "package-lock.json"


def addresses(value: object, under: str = "") -> Iterator[str]:
    """Every text that holds an address, but for those of ``funding``."""
    if isinstance(value, str):
        if "://" in value or value.startswith(("git+", "file:")):
            yield f"{under}: {value}"
    elif isinstance(value, Mapping):
        yield from (
            one for key, inner in value.items() if key != "funding" for one in addresses(inner, f"{under}/{key}")
        )
    elif isinstance(value, list):
        yield from (one for inner in value for one in addresses(inner, under))


def test_an_address_in_a_lock_file_would_be_found():
    assert list(addresses({"a": {"resolved": "https://x/y.tgz"}})) == ["/a/resolved: https://x/y.tgz"]
    assert list(addresses({"a": {"funding": {"url": "https://x"}}, "b": ["1.0"]})) == []


def test_the_lock_file_of_the_web_application_holds_no_address_and_a_hash_for_every_package():
    lock = json.loads(NPM_LOCK.read_text("utf-8"))
    assert list(addresses(lock)) == []
    packages = {name: one for name, one in lock["packages"].items() if name}
    assert packages
    assert [name for name, one in packages.items() if not one.get("integrity", "").startswith("sha512-")] == []


def test_the_lock_file_of_the_web_application_pins_what_is_declared_for_every_platform():
    lock = json.loads(NPM_LOCK.read_text("utf-8"))["packages"]
    declared = json.loads((ROOT / "web" / "package.json").read_text("utf-8"))
    wanted = {**declared["dependencies"], **declared["devDependencies"]}
    assert [name for name, version in wanted.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []
    assert {name: lock[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    choices = {name for one in lock.values() for name in one.get("optionalDependencies", {})}
    assert sorted(name for name in choices if not any(path.endswith(f"node_modules/{name}") for path in lock)) == []


def test_every_lock_file_is_read_by_a_test():
    names = {path.relative_to(ROOT).as_posix() for path in tracked_files()}
    locks = {name for name in names if re.search(r"\.lock$|-lock\.|lock\.json$|shrinkwrap", name)}
    assert locks == {"requirements.lock", "demo-data.lock", "web/package-lock.json"}


def test_the_version_is_the_same_everywhere():
    import caretwin

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == caretwin.__version__
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))["version"] == caretwin.__version__
    assert json.loads((ROOT / "web" / "package.json").read_text("utf-8"))["version"] == caretwin.__version__
    assert f"## {caretwin.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


# ---- documentation -------------------------------------------------------------------------------------------------


class LenientLoader(yaml.SafeLoader):
    """Reads mkdocs.yml without importing what its Python tags name."""


LenientLoader.add_multi_constructor("tag:yaml.org,2002:python/", lambda loader, suffix, node: suffix)


def pages(nav: object) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    elif isinstance(nav, Mapping):
        yield from (page for value in nav.values() for page in pages(value))
    elif isinstance(nav, list):
        yield from (page for value in nav for page in pages(value))


def test_every_page_of_the_contents_exists():
    site = yaml.load((ROOT / "mkdocs.yml").read_text("utf-8"), LenientLoader)
    listed = [page for page in pages(site["nav"]) if page.endswith(".md")]
    generated = {"models/index.md"}
    assert listed
    assert [page for page in listed if page not in generated and not (DOCS / page).is_file()] == []


def commands(command: click.Command, words: tuple[str, ...]) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from commands(command.get_command(context, name), (*words, name))
    else:
        yield " ".join(words), command


def test_every_command_and_option_is_documented():
    from caretwin.cli import main

    page = (DOCS / "command-line.md").read_text("utf-8")
    sections = dict(re.findall(r"^## `(caretwin [\w -]+?)(?: [A-Z][^`]*)?`\n(.*?)(?=^## |\Z)", page, re.M | re.S))
    missing = []
    for name, command in commands(main, ("caretwin",)):
        text = sections.get(name)
        if text is None:
            missing.append(name)
            continue
        options = [max(p.opts, key=len) for p in command.params if isinstance(p, click.Option) and not p.hidden]
        missing += [f"{name} {option}" for option in options if f"`{option}" not in text]
    assert missing == []
    assert set(sections) - {name for name, _ in commands(main, ("caretwin",))} == set()


def test_every_channel_of_the_bedside_is_documented_with_its_unit_and_every_spelling_is_read():
    from caretwin.ingest.bedside.names import channel_of
    from caretwin.record.bedside import channels

    page = (DOCS / "data-formats.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \| (?:`([^`]+)`)?(?: \*)? \|", page, re.M)
    described = {name: unit or "1" for name, _, unit in rows if name in channels()}
    assert described == {name: channel.unit for name, channel in channels().items()}
    misread = [
        (word, name)
        for name, words, _ in rows
        if name in channels()
        for word in filter(None, words.split(", "))
        if channel_of(word) != name
    ]
    assert misread == []


DECISIONS = sorted((DOCS / "adr").glob("[0-9]*.md"))


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_says_what_was_decided_and_why(path):
    text = path.read_text("utf-8")
    assert text.startswith(f"# {path.name[:4]} ")
    absent = [w for w in ("Status", "Question", "Decision", "Because", "Look again when") if f"\n{w}: " not in text]
    assert absent == []


def test_decisions_are_numbered_without_gaps_and_listed():
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    contents = (ROOT / "mkdocs.yml").read_text("utf-8")
    assert [path.name for path in DECISIONS if f"adr/{path.name}" not in contents] == []


# ---- guarding files that a decision names --------------------------------------------------------------------------


def test_guards_that_a_decision_names_exist():
    named = {
        (path.stem, guard)
        for path in DECISIONS
        for line in path.read_text("utf-8").splitlines()
        if line.startswith("Guarded by: ")
        for guard in re.findall(r"`((?:tests|scripts)/[\w/.-]+)`", line)
    }
    assert named
    assert sorted((decision, guard) for decision, guard in named if not (ROOT / guard).exists()) == []


def test_measured_tables_in_the_documentation_are_those_of_the_files():
    from scripts import result_tables

    for name in result_tables.PAGES:
        page = (ROOT / name).read_text()
        assert result_tables.filled(page) == page, f"run python scripts/result_tables.py: {name} is not up to date"


def test_no_answer_about_a_patient_is_kept_in_the_repository():
    page = ROOT / "web" / "index.html"  # of the web application: nobody is in it
    reports = [path for path in tracked_files() if path.suffix == ".html" and path != page]
    assert reports == [], "a report was committed; the template is a .j2 file"
