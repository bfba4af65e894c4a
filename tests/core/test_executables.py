"""Compiled programs outlive the process that made them, and never at the price of an answer."""

import importlib
import os
import pickle
import subprocess
import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from caretwin.core import executables
from caretwin.core.executables import Executables
from caretwin.core.program import Program, programs_ahead

MATRIX = np.array([[4.0, 1.0], [1.0, 3.0]])

DECOMPOSE = """
import sys, jax.numpy as jnp, numpy as np
from caretwin.core.program import Program
def values(matrix):
    return jnp.linalg.eigh(matrix)[0]
one = Program(values)
print(one.traces, [round(float(v), 9) for v in one(np.array([[4.0, 1.0], [1.0, 3.0]]))], one.traces)
"""


def doubled(x):
    return {"twice": 2 * x, "sum": jnp.sum(x)}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CARETWIN_CACHE_DIR", str(tmp_path))
    return tmp_path


def kept(folder):
    return sorted((folder / "executables").iterdir())


def test_an_earlier_program_is_used_without_tracing(folder):
    first, second = Program(doubled), Program(doubled)
    expected, found = first(MATRIX), second(MATRIX)
    assert (first.traces, second.traces) == (1, 0)
    np.testing.assert_array_equal(found["twice"], 2 * MATRIX)
    np.testing.assert_array_equal(found["sum"], expected["sum"])


def test_other_shapes_are_another_program(folder):
    one = Program(doubled)
    one(MATRIX), one(MATRIX[:1])
    assert one.traces == 2 and len(kept(folder)) == 2


def test_a_changed_source_that_changes_no_program_compiles_nothing(folder, monkeypatch):
    Program(doubled)(MATRIX)
    before = [(path, path.read_bytes()) for path in kept(folder)]
    monkeypatch.setattr(executables, "_versions", lambda: "another source")
    again = Program(doubled)
    again(MATRIX)
    assert again.traces == 1
    assert [(path, path.read_bytes()) for path in kept(folder)] == before


def flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


DAMAGE = [lambda content: b"", lambda content: content[:100], lambda content: pickle.dumps(7), flipped]


@pytest.mark.parametrize("damage", DAMAGE, ids=["empty", "cut", "another", "one bit"])
@pytest.mark.parametrize("where", ["executables", "addresses"])
def test_a_damaged_file_is_made_anew(folder, where, damage):
    Program(doubled)(MATRIX)
    (path,) = (folder / where).iterdir()
    path.write_bytes(damage(path.read_bytes()))
    again = Program(doubled)
    np.testing.assert_array_equal(again(MATRIX)["twice"], 2 * MATRIX)
    assert again.traces == 1
    third = Program(doubled)
    third(MATRIX)
    assert third.traces == 0


def test_a_folder_that_cannot_be_written_costs_no_answer(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CARETWIN_CACHE_DIR", str(tmp_path / "file"))
    np.testing.assert_array_equal(Program(doubled)(MATRIX)["twice"], 2 * MATRIX)


def test_without_a_folder_nothing_is_kept(monkeypatch):
    monkeypatch.setenv("CARETWIN_CACHE_DIR", "")
    one = Program(doubled)
    one(MATRIX), Program(doubled)(MATRIX)
    assert one.traces == 1


def test_a_new_process_runs_a_program_that_calls_lapack(folder):
    # The first traces; the second does not, and would crash if nobody had looked for LAPACK.
    def run():
        done = subprocess.run([sys.executable, "-c", DECOMPOSE], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout.split(maxsplit=1)

    answer = "[2.381966011, 4.618033989]"
    assert run() == ["0", f"{answer} 1\n"]
    assert run() == ["0", f"{answer} 0\n"]


def test_what_the_last_process_used_is_loaded_ahead(folder, monkeypatch):
    with programs_ahead("asking"):
        Program(doubled)(MATRIX)
    later = Executables(folder)
    description = None

    def found(self, asked):
        nonlocal description
        description = asked

    monkeypatch.setattr(Executables, "find", found)
    Program(doubled)(MATRIX)  # only to learn what it is called
    monkeypatch.undo()
    with later.ahead("asking"):
        (waiting,) = later._ahead.values()
        assert waiting.result(timeout=60)
        assert later.find(description) is not None and not later._ahead
    with later.ahead("another question"):
        assert not later._ahead


def test_another_programs_file_under_the_name_is_not_run(folder):
    Program(doubled)(MATRIX), Program(doubled)(MATRIX[:1])
    first, second = kept(folder)
    content = first.read_bytes(), second.read_bytes()
    first.write_bytes(content[1]), second.write_bytes(content[0])
    np.testing.assert_array_equal(Program(doubled)(MATRIX)["twice"], 2 * MATRIX)


def test_a_note_that_is_no_text_is_made_anew(folder):
    with programs_ahead("asking"):
        Program(doubled)(MATRIX)
    (note,) = (folder / "occasions").iterdir()
    written = note.read_bytes()
    note.write_bytes(b"\xff\xfe\x00")
    with programs_ahead("asking"):
        Program(doubled)(MATRIX)
    assert note.read_bytes() == written


def test_what_ends_without_advice_is_noted_too(folder):
    with pytest.raises(SystemExit), programs_ahead("silent"):
        Program(doubled)(MATRIX)
        raise SystemExit(3)
    assert len(list((folder / "occasions").iterdir())) == 1


def test_the_longest_unused_goes_first(folder, monkeypatch):
    one = Program(doubled)
    one(MATRIX)
    (old,) = kept(folder)
    os.utime(old, (1, 1))
    monkeypatch.setattr(executables, "MOST_BYTES", old.stat().st_size + 100)
    one(MATRIX[:1])
    assert len(kept(folder)) == 1 and old not in kept(folder)
    again = Program(doubled)
    np.testing.assert_array_equal(again(MATRIX)["twice"], 2 * MATRIX)


def test_a_changed_model_of_another_package_is_another_program(folder, tmp_path, monkeypatch):
    path = tmp_path / "somebody_elses.py"
    monkeypatch.syspath_prepend(tmp_path)

    def answer(factor):
        path.write_text(f"def grown(x):\n    return {factor} * x\n")
        sys.modules.pop("somebody_elses", None)
        importlib.invalidate_caches()
        executables.sources_of.cache_clear()
        return float(Program(importlib.import_module("somebody_elses").grown)(1.0))

    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert [answer("2.0"), answer("3.25")] == [2.0, 3.25]


def test_every_folder_with_a_program_counts_among_the_sources_that_name_programs():
    root = Path(executables.__file__).parents[1]
    folders = {path.relative_to(root).parts[0] for path in root.rglob("*.py") if "@program" in path.read_text("utf-8")}
    assert folders <= set(executables.WITH_PROGRAMS)
    assert {"twin", "decide"} <= folders
