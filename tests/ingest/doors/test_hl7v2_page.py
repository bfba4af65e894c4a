"""The page for newcomers says what is so: its program runs, and prints what it says."""

import re
import subprocess
import sys

import pytest
from tests.paths import ROOT

from caretwin.ingest.doors.hl7v2.door import SETTINGS

PAGE = (ROOT / "docs" / "doors" / "hl7v2.md").read_text(encoding="utf-8")


def block(kind: str) -> str:
    return re.search(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)[1]


@pytest.mark.service
def test_the_program_of_the_page_prints_what_the_page_says(tmp_path):
    done = subprocess.run([sys.executable, "-c", block("python")], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == block("text")


def test_every_setting_stands_on_the_page():
    assert [one.name for one in SETTINGS if f"`{one.name}`" not in PAGE] == []
