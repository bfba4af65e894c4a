"""The tutorial is run as it stands: every Python block, and every ``$ caretwin`` line with the output it shows."""

import doctest
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from caretwin.cli import main
from tests.paths import ROOT

FENCE = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LENIENT = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Step:
    """One thing the reader does: kind is "python" or "command"; shown is the output that the page promises."""

    line: int
    kind: str
    text: str
    shown: str = ""


def steps(page: str) -> Iterator[Step]:
    """The executable steps of a page in order. Blocks of other languages are for reading only."""
    for fence in FENCE.finditer(page):
        line = page.count("\n", 0, fence.start()) + 1
        if fence[1] == "python":
            yield Step(line, "python", fence[2])
        elif fence[1] == "console":
            first, *parts = re.split(r"^\$ ", fence[2], flags=re.MULTILINE)
            if first.strip():
                raise ValueError(f"line {line}: a console block begins with a line that starts with '$ '")
            for part in parts:
                command, _, shown = part.replace("\\\n", " ").partition("\n")
                yield Step(line, "command", command, shown)


def run(step: Step, names: dict[str, object]) -> None:
    """Do one step in the current folder; an exception or an AssertionError says what differs."""
    if step.kind == "python":
        exec(compile("\n" * step.line + step.text, "tutorial.md", "exec"), names)
        return
    program, *arguments = shlex.split(step.text)
    assert program == "caretwin", f"line {step.line}: only caretwin commands can be run, not {step.text!r}"
    result = CliRunner().invoke(main, arguments, prog_name="caretwin", catch_exceptions=False)
    assert result.exit_code == 0, f"line {step.line}: {step.text}\n{result.output}"
    agrees = doctest.OutputChecker().check_output(step.shown, result.output, LENIENT)
    assert agrees or not step.shown.strip(), f"line {step.line}: {step.text}\nprinted\n{result.output}"


@pytest.fixture
def reader(tmp_path, monkeypatch):
    """A reader in an empty folder that holds the examples, with a terminal of 100 columns."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return {"__name__": "tutorial"}


def test_steps_are_found_in_order_and_other_languages_are_left_alone():
    page = "```python\nx = 1\n```\n```bash\nrm x\n```\n"
    page += "```console\n$ caretwin -h\nUsage\n$ caretwin drug \\\n  list\n```\n"
    found = [(s.kind, " ".join(s.text.split()), s.shown.strip()) for s in steps(page)]
    assert found == [
        ("python", "x = 1", ""),
        ("command", "caretwin -h", "Usage"),
        ("command", "caretwin drug list", ""),
    ]


@pytest.mark.parametrize(
    "step",
    [
        Step(1, "python", "assert 1 == 2"),
        Step(1, "command", "caretwin --help", "something else"),
        Step(1, "command", "caretwin no-such-command"),
        Step(1, "command", "ls"),
    ],
    ids=lambda step: step.text,
)
def test_a_tutorial_that_is_wrong_fails(step, reader):
    with pytest.raises(AssertionError):
        run(step, reader)


def test_the_tutorial_works_as_written(reader):
    found = list(steps(Path(ROOT / "docs" / "tutorial.md").read_text("utf-8")))
    assert {step.kind for step in found} == {"python", "command"}
    for step in found:
        run(step, reader)
