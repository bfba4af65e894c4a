"""A site's configuration, its clocks, and real stays as messages."""

import asyncio
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from caretwin.base.errors import DataError
from caretwin.ingest.door import door_factory
from caretwin.record.bedside import BedsideRecord, Person, Quality, Signal
from caretwin.serve.clock import Replayed
from caretwin.serve.replay_plan import HOUR_US, busiest, plan, way_of
from caretwin.serve.running import open_doors, running
from caretwin.serve.site import read_site


def written(folder: Path, text: str) -> Path:
    path = folder / "site.toml"
    path.write_text(text)
    return path


def test_a_configuration_is_read_and_its_files_lie_beside_it(tmp_path: Path) -> None:
    head = '[site]\nname = "ICU"\nzone = "Europe/London"\n[record]\nurl = "ward.db"\n'
    text = head + '[doors.gw]\nkind = "hl7v2"\nport = 1\n'
    site = read_site(written(tmp_path, text))
    assert (site.name, site.zone, site.record) == ("ICU", "Europe/London", str(tmp_path / "ward.db"))
    assert site.doors == {"gw": {"kind": "hl7v2", "port": 1}}
    server = read_site(written(tmp_path, '[record]\nurl = "postgresql://x@y/z"\n'))
    assert server.record == "postgresql://x@y/z"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[site\n", "TOML"), ("[ward]\n", "ward"), ('[site]\nnmae = "x"\n', "nmae"),
        ("[doors]\nhl7v2 = 1\n", "doors"),
        ('[site]\nzone = "Europe/Atlantis"\n', "Atlantis"), ("[twins]\nparticles = 3\n", "50 to 5000"),
        ('[twins]\nparticles = "many"\n', "number"),
    ],
)  # fmt: skip
def test_a_wrong_configuration_says_what_to_mend(tmp_path: Path, text: str, word: str) -> None:
    with pytest.raises(DataError, match=word):
        read_site(written(tmp_path, text))


def test_a_site_without_a_web_application_needs_none_of_its_packages() -> None:
    code = "import sys, caretwin.serve.running; print([one for one in ('fastapi', 'cedarpy', 'webauthn', 'authlib')"
    code += " if one in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_missing_configuration_is_an_error_with_advice(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="for one to copy"):
        read_site(tmp_path / "nothing.toml")


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a folder[\s\S]*site\.toml"):
        read_site(tmp_path)


@pytest.mark.parametrize(("url", "word"), [("none/ward.db", "mkdir -p"), ("file/ward.db", "nothing can be written")])
def test_a_record_where_nothing_can_be_written_is_told_at_the_start(tmp_path: Path, url: str, word: str) -> None:
    (tmp_path / "file").write_text("")

    async def start() -> None:
        async with running(read_site(written(tmp_path, f'[record]\nurl = "{url}"\n')), lambda: 1, twins=False):
            pass

    with pytest.raises(DataError, match=word):
        asyncio.run(start())


def test_a_port_that_is_none_is_told_with_its_door(tmp_path: Path) -> None:
    site = read_site(written(tmp_path, '[doors.gw]\nkind = "hl7v2"\nport = 99999\n'))
    with pytest.raises(DataError, match=r"door gw[\s\S]*port = 99999[\s\S]*0 to 65535"):
        open_doors(site)


def test_a_replayed_clock_runs_as_fast_as_it_is_told() -> None:
    slow, fast = Replayed(0, 1.0, began=0), Replayed(0, 60.0, began=0)
    assert fast() / slow() == pytest.approx(60.0, rel=0.01)
    later = Replayed(1_000_000, 10.0)
    assert later.seconds_until(later() + 10_000_000) == pytest.approx(1.0, abs=0.01)
    with pytest.raises(ValueError, match="speed"):
        Replayed(0, 0.0)


def stay(**more: Signal) -> BedsideRecord:
    observed = {"heart_rate": Signal.of(np.array([-1.0, 0.5, 30.0]), np.array([70.0, 80.0, 90.0])), **more}
    settings = {"peep": Signal.of(np.array([0.0, 2.0]), np.array([5.0, np.nan]))}
    return BedsideRecord(Person("x", "female", 70.0), observed, settings)


def test_a_stay_becomes_messages_when_things_became_known() -> None:
    lactate = Signal.of(np.array([1.0]), np.array([2.0]), np.array([2.25]))
    refused = Signal.of(np.array([1.0]), np.array([999.0]), None, np.array([int(Quality.REFUSED)]))
    posts = plan({"s": stay(lactate=lactate, respiratory_rate=refused)}, 0, 24.0)
    assert [(post.place is not None, post.person is not None) for post in posts[:2]] == [(True, False), (False, True)]
    said = [(post.way, post.at / HOUR_US, value.channel, value.value) for post in posts for value in post.values]
    assert said == [
        ("mqtt", 0.0, "peep", 5.0),
        ("hl7v2", 0.5, "heart_rate", 80.0),
        ("mqtt", 2.0, "peep", None),
        ("fhir", 2.25, "lactate", 2.0),
    ]
    (late,) = [value for post in posts for value in post.values if value.channel == "lactate"]
    assert late.effective == HOUR_US


def test_every_channel_has_a_way() -> None:
    assert (way_of("heart_rate"), way_of("lactate"), way_of("peep")) == ("hl7v2", "fhir", "mqtt")


def test_the_busiest_stays_come_first() -> None:
    busy = stay(oxygen_saturation=Signal.of(np.arange(20.0), np.full(20, 97.0)))
    assert busiest({"a": stay(), "b": busy}, 1, 24.0) == ["b"]


PATHS = {
    "bacnet": {"points"}, "clif": {"path"}, "dicom": {"folder", "spool"}, "meds": {"codes", "path"},
    "fhir": {"certificate", "key", "pull_token", "tokens"}, "hl7v2": {"certificate", "client_ca", "key"},
    "mqtt": {"ca", "certificate", "key", "rooms", "topics"}, "rota": {"path"}, "sdc": {"tls"},
    "tables": {"mapping", "path"}, "wfdb": {"folder"},
}  # fmt: skip


def test_every_setting_that_names_a_file_says_so() -> None:
    found = {kind: {one.name for one in door_factory("test", kind).settings if one.path} for kind in PATHS}
    assert found == PATHS


def test_files_of_a_section_lie_beside_the_configuration_also_before_they_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    for one in (folder, elsewhere, elsewhere / "exports"):
        one.mkdir()
    monkeypatch.chdir(elsewhere)  # a folder of that name where we are started must not be taken for the site's
    table = '[subject]\ncolumn = "id"\nsystem = "x"\n[time]\ncolumn = "t"\n'
    (folder / "table.toml").write_text(table + '[[column]]\nname = "hr"\nchannel = "heart_rate"\n')
    text = """
        [site]
        zone = "Europe/London"
        [doors.exports]
        kind = "tables"
        path = "exports"
        mapping = "table.toml"
        [doors.holter]
        kind = "wfdb"
        folder = "later/records"
        subject = "urn:x|1"
        [doors.monitors]
        kind = "sdc"
        provider = "https://10.0.0.1:6464/x"
        tls = "certificates"
        [doors.old]
        kind = "clif"
        path = "/data/clif"
        [doors.ehr]
        kind = "fhir"
        pull = "https://ehr.example/fhir"
        pull_token = "env:EHR_TOKEN"
        """
    doors = {name: door for name, (door, _) in open_doors(read_site(written(folder, text))).items()}
    assert doors["exports"].path == folder / "exports"
    assert doors["holter"].folder == folder / "later/records"
    assert doors["monitors"].choice.tls == str(folder / "certificates")
    assert doors["old"].path == Path("/data/clif")
    assert doors["ehr"]._set["pull_token"] == "env:EHR_TOKEN"


@pytest.mark.parametrize(
    ("one", "other", "port"),
    [
        ('kind = "hl7v2"\nport = 2575', 'kind = "hl7v2"\nport = 2575\nhost = "0.0.0.0"', 2575),
        ('kind = "hl7v2"\nport = 8401', 'kind = "fhir"', 8401),
        (
            'kind = "dicom"\nspool = "s"\ncallers = ["CT"]\nport = 4242',
            'kind = "hl7v2"\nhost = "localhost"\nport = 4242',
            4242,
        ),
    ],
)  # fmt: skip
def test_two_doors_at_one_port_are_found_before_either_opens(tmp_path: Path, one: str, other: str, port: int) -> None:
    with pytest.raises(DataError) as caught:
        open_doors(read_site(written(tmp_path, f"[doors.gateway]\n{one}\n[doors.laboratory]\n{other}\n")))
    assert caught.value.where == "doors gateway and laboratory"
    assert f"tcp port {port}" in caught.value.seen


def test_doors_at_ports_of_their_own_or_at_free_ones_do_not_meet(tmp_path: Path) -> None:
    text = """
        [doors.a]
        kind = "hl7v2"
        port = 0
        [doors.b]
        kind = "hl7v2"
        port = 0
        [doors.c]
        kind = "hl7v2"
        host = "10.0.0.5"
        [doors.d]
        kind = "hl7v2"
        """
    assert len(open_doors(read_site(written(tmp_path, text)))) == 4
