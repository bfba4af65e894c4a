"""Whatever the bytes: a fuzzer that sees the branches finds no error but a refusal, no hang and no growth of memory."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.paths import ROOT

FUZZ = Path(__file__).parent / "door_fuzz.py"
DOORS = ("mqtt", "tables", "rota", "sdc", "wfdb", "dicom", "bacnet")
SECONDS = 5


def test_every_target_is_run():
    functions = [one for one in ast.parse(FUZZ.read_text()).body if isinstance(one, ast.FunctionDef)]
    assert tuple(one.name for one in functions if not one.name.startswith("_")) == DOORS


@pytest.mark.slow
@pytest.mark.parametrize("door", DOORS)
def test_seconds_of_guided_fuzzing_find_nothing(door, tmp_path):
    pytest.importorskip("atheris")
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "TMPDIR": str(tmp_path)}
    command = [sys.executable, str(FUZZ), door, f"-max_total_time={SECONDS}", "-verbosity=0", "-rss_limit_mb=0",
               "-timeout=10", f"-artifact_prefix={tmp_path}/"]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr[-3000:]
