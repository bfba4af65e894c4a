"""The living ward in a terminal: nothing important is lost in 80 columns, and lines say what a picture would show."""

import io
import os
import signal
import subprocess
import sys
import types
from collections import Counter, deque

import pytest
from click.testing import CliRunner
from rich.console import Console

from caretwin.cli import live
from caretwin.cli.live_lines import DoorLines, WardLines
from caretwin.cli.live_view import picture
from caretwin.ingest.unusable import Tally, Unusable
from caretwin.serve.board import BoardRow, Vital
from caretwin.serve.doubt import Doubt
from tests.paths import ROOT

MINUTE = 60_000_000
NOW = 29_000_000 * MINUTE
VALUES = {"heart_rate": 112.0, "mean_arterial_pressure": 58.0, "oxygen_saturation": 96.0, "respiratory_rate": 18.0}
TOKEN = "token in /tmp/caretwin-12ab34cd/laboratory-8401.token"
TROUBLE = "no broker at mqtt://127.0.0.1:1883: connection refused; tried again in 8 s"
FAILED = "the twin is not up to date: OSError: disk I/O error; tried 3 x, and tried again"


def row(number, **more):
    vitals = {name: Vital(value, NOW // MINUTE - 1, (value - 8, value, value + 9)) for name, value in VALUES.items()}
    doubt = Doubt(0.4, "lactate: nothing was ever sent", 1.8, "central_venous_pressure", 0.12)
    known = (f"p{number:06d}ffff", NOW // MINUTE, NOW // MINUTE - 1, False, vitals, (), 2.0, 0.6, 0.25, doubt)
    return BoardRow(*known)._replace(**more)


def door(name="monitors", kind="hl7v2", listening="127.0.0.1:2575", trouble=""):
    counters = Counter(messages=12345, entries=67890, duplicates=3, refused=1, unmapped=2)
    last = deque([(NOW, "heart rate 112 /min, " * 10)])
    state = types.SimpleNamespace(counters=counters, listening=listening, trouble=trouble, last=last, unusable=Tally())
    return types.SimpleNamespace(door=types.SimpleNamespace(name=name, kind=kind), state=state)


def site(rows, name="Intensive care 1", laboratory="laboratory"):
    doors = [
        door(),
        door(laboratory, "fhir", f"http://127.0.0.1:8401/fhir ({TOKEN})"),
        door("sensors", "mqtt", "", TROUBLE),
    ]
    pulse = types.SimpleNamespace(rows=123456, replayed=2345, delays_s=[0.12], trouble="OSError: the disk is full")
    forecasts = types.SimpleNamespace(count=1234, scores=[{"inside": True}])
    loop = types.SimpleNamespace(ward=object(), board=tuple(rows), pulse=pulse, forecasts=forecasts)
    intakes = {one.door.name: one for one in doors}
    return types.SimpleNamespace(
        site=types.SimpleNamespace(name=name, record="ward.db"), clock=lambda: NOW, intakes=intakes, loop=loop
    )


def drawn(found, width, height=None):
    console = Console(width=width, height=height or 500, record=True, file=io.StringIO(), highlight=False)
    console.print(picture(found, width, 1, height))
    return console.export_text()


def whole(text):
    """The text without the breaks of its lines."""
    return "".join(text.split())


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("people", [0, 1, 12, 60])
def test_nothing_important_is_lost_at_any_width(width, people):
    rows = [row(number) for number in range(people)]
    if rows:
        rows[0] = rows[0]._replace(trouble=FAILED)
    text = drawn(site(rows), width)
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width
    for said in (TOKEN, TROUBLE, "127.0.0.1:2575", "http://127.0.0.1:8401/fhir", "the disk is full", "12345", "67890"):
        assert whole(said) in whole(text), said
    for title in ("messages", "values", "refused"):
        assert title in text
    if not rows:
        assert "nobody" in text and "waiting for data" in text
        return
    assert whole(FAILED) in whole(text) and "nothing was ever sent" in text.replace("\n", " ")
    for one in rows:
        line = next(line for line in text.splitlines() if line.startswith(f" {one.subject[:7]} "))
        assert all(f"{value:.0f}" in line for value in VALUES.values()) and "\u2026" not in line
        assert "old" in line or "! see below" in line
    assert ("vent O2 60% NE 0.25" in text) == (width == 80)
    assert ("104-121" in text) == (width == 120)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_long_names_are_folded_and_not_cut(width):
    name, laboratory = (
        "The unit of a hospital with a long name " * 3,
        "laboratory-of-clinical-chemistry-and-haematology",
    )
    text = drawn(site([row(0)], name.strip(), laboratory), width)
    assert whole(name) in whole(text) and whole(laboratory) in whole(text)
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width


def test_a_low_screen_shows_who_needs_a_look_and_counts_the_rest():
    rows = [row(number) for number in range(60)]
    rows[40] = rows[40]._replace(trouble=FAILED)
    rows[50] = rows[50]._replace(surprises=("heart_rate",))
    rows[0] = rows[0]._replace(left=NOW - 7 * 60 * MINUTE, twin=None, vitals={})
    text = drawn(site(rows), 80, 40)
    assert len(text.splitlines()) <= 40
    assert " p000040 " in text and "! HR" in text and "discharged" not in text
    shown = sum(line.startswith(" p0000") and ":" not in line for line in text.splitlines())
    assert f"and {60 - shown} more" in text and whole(TROUBLE) in whole(text)


def test_who_left_is_shown_as_discharged():
    assert "discharged 7h" in drawn(site([row(0, left=NOW - 7 * 60 * MINUTE, twin=None, vitals={})]), 80)


# lines ---------------------------------------------------------------------------------------------------------------


def test_a_line_says_when_a_door_opens_closes_and_where_its_token_is():
    lines, one = DoorLines(), door("laboratory", "fhir", "")
    one.state.counters.clear()
    assert lines.news([one], 0.0) == []
    one.state.listening = f"http://127.0.0.1:8401/fhir ({TOKEN})"
    assert lines.news([one], 1.0) == [f"door laboratory (fhir): open at http://127.0.0.1:8401/fhir, {TOKEN}"]
    assert lines.news([one], 2.0) == []
    one.state.listening, one.state.trouble = "", "the cable is out"
    assert lines.news([one], 3.0) == ["door laboratory (fhir): closed", "door laboratory (fhir): the cable is out"]


def test_what_is_refused_is_told_and_not_a_hundred_times_a_second():
    lines, one = DoorLines(), door("monitors", "hl7v2", "")
    one.state.counters["refused"] = 0
    told = []
    for tick in range(25):
        one.state.counters["refused"] += 100
        one.state.trouble = f"OBX-5 of message {tick}: no number"
        told += lines.news([one], float(tick))
    assert told == [
        "door monitors (hl7v2): 100 refused, the last for: OBX-5 of message 0: no number",
        "door monitors (hl7v2): 1000 refused, the last for: OBX-5 of message 10: no number",
        "door monitors (hl7v2): 1000 refused, the last for: OBX-5 of message 20: no number",
    ]


def never_used(one, times):
    one.state.counters["unusable"] += times
    one.state.unusable.add([Unusable(0, "OBX[1]-5", "Puls", "80 mg/L", "a mass; wanted a rate per time")] * times)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_what_is_kept_and_can_never_be_used_is_told_at_any_width(width):
    found = site([row(0)])
    assert "never be used" not in drawn(found, width)
    never_used(found.intakes["monitors"], 3)
    text = drawn(found, width)
    said = "monitors: 3 values kept that can never be used, the last: Puls: a mass; wanted a rate per time"
    assert whole(said) in whole(text)
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width


def test_a_line_says_what_can_never_be_used_and_not_a_hundred_times_a_second():
    lines, one, told = DoorLines(), door(), []
    lines.news([one], 0.0)
    for tick in range(1, 15):
        never_used(one, 1)
        told += lines.news([one], float(tick))
    assert [line.split(",")[0] for line in told] == [
        "door monitors (hl7v2): 1 value kept that can never be used",
        "door monitors (hl7v2): 11 values kept that can never be used",
    ]


def test_a_line_about_the_ward_is_said_again_only_when_it_is_another():
    lines = WardLines()
    assert lines.news(("0 rows",), 0.0) == ()  # there is time
    assert lines.news(("0 rows",), 10.0) == ("0 rows",)
    assert [lines.news(("0 rows",), 10.0 + second) for second in range(3600)] == [()] * 3600
    assert lines.news(("7 rows", "trouble: no"), 3610.0) == ("7 rows", "trouble: no")
    assert lines.news(("8 rows", "trouble: no"), 3615.0) == ()
    assert lines.news(("9 rows", "trouble: no"), 3620.0) == ("9 rows",)


def test_without_a_picture_the_doors_are_told_in_lines(tmp_path):
    configuration = tmp_path / "site.toml"
    configuration.write_text(
        '[site]\nname = "A ward"\n[record]\nurl = "ward.db"\n'
        '[doors.monitors]\nkind = "hl7v2"\nport = 0\n'
        '[doors.laboratory]\nkind = "fhir"\nlisten = "127.0.0.1:0"\n'
    )
    done = CliRunner().invoke(live.command, [str(configuration), "--no-view", "--no-twins", "--seconds", "4"])
    assert done.exit_code == 0, done.output
    assert "A ward: record" in done.output and "Ctrl-C ends it" in done.output
    assert "door monitors (hl7v2): open at" in done.output
    assert "door laboratory (fhir): open at http://127.0.0.1:" in done.output and "token in " in done.output


def test_who_stops_it_while_it_starts_is_told_calmly(tmp_path, monkeypatch):
    configuration = tmp_path / "site.toml"
    configuration.write_text('[record]\nurl = "ward.db"\n')

    def stopped(job):
        job.close()
        raise KeyboardInterrupt

    monkeypatch.setattr(live.asyncio, "run", stopped)
    done = CliRunner().invoke(live.command, [str(configuration)])
    assert done.exit_code == 130
    assert "Aborted" not in done.output and "everything that was acknowledged is in the record" in done.output


@pytest.mark.slow
def test_ctrl_c_while_the_twins_wake_ends_at_once(tmp_path):
    (tmp_path / "site.toml").write_text('[record]\nurl = "ward.db"\n')
    command = [sys.executable, "-c", "from caretwin.cli import main; main()", "live", "site.toml", "--no-view"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "CARETWIN_CACHE_DIR": str(tmp_path / "empty")}
    child = subprocess.Popen(
        command, cwd=tmp_path, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert child.stdout is not None
    assert "Ctrl-C ends it" in child.stdout.readline()
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=15.0)
    assert child.returncode == 130
    assert said.strip() == "stopped while starting; everything that was acknowledged is in the record"
