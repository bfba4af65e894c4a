"""The pages for newcomers say what is so: the program runs and answers, every setting stands there."""

import re
import signal
import subprocess
import sys

import pytest
from tests.paths import ROOT
from tests.peers import dcmtk
from tests.peers.mosquitto import free_port

from caretwin.ingest.doors.dicom.door import SETTINGS

PAGE = (ROOT / "docs" / "doors" / "dicom.md").read_text(encoding="utf-8")


@pytest.mark.service
def test_the_program_of_the_page_answers_an_echo(tmp_path):
    port = free_port()
    program = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1].replace("11112", str(port))
    process = subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("listening: 127.0.0.1"):
                break
        assert dcmtk.echo(port).returncode == 0
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()


def test_every_setting_stands_on_the_page():
    assert [one.name for one in SETTINGS if f"`{one.name}`" not in PAGE] == []
