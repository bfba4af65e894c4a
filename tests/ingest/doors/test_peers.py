"""Doors against software of others: what they send, and what comes back, is read by none of our own code."""

import asyncio
import re
import warnings
from pathlib import Path

import hl7
import icalendar
import pytest
from hl7.client import MLLPClient
from hl7.mllp import open_hl7_connection, start_hl7_server
from tests.ingest.doors.hl7v2_lines import PID, listening, obx, reader
from tests.ingest.doors.hl7v2_lines import oru as lines
from tests.paths import shared

from caretwin.base.errors import DataError
from caretwin.ingest.clif.stays import demo_folder
from caretwin.ingest.decoded import RefusedError
from caretwin.ingest.door import Tier, door_factory
from caretwin.ingest.doors.hl7v2.door import Hl7v2Door
from caretwin.ingest.doors.hl7v2.sender import MllpSender
from caretwin.ingest.doors.rota.door import RotaDoor
from caretwin.ingest.doors.tables.door import TablesDoor
from caretwin.ingest.doors.tables.proposal import Hints
from caretwin.ingest.doors.tables.propose import propose
from caretwin.ingest.mapping import CodeMapping
from caretwin.ingest.translate import Translator

SAMPLES = sorted(shared("data", "interop", "hl7v2").glob("*.hl7"))
CALENDARS = Path(icalendar.__file__).parent / "tests/calendars"
PROGRAMS = r"PRODID[^:]*:.*(Google|Mozilla|Exchange|khal|Offline Calendar|RESEARCH IN MOTION|Podio)"
"""Programs whose exports lie in the tests of icalendar."""


def test_what_a_door_claims_is_what_this_says():
    """PEER: tests with software of others, here or in the door's own. The rest met one library at both ends."""
    claimed = {kind: door_factory("t", kind).tier for kind in (
        "bacnet", "clif", "dicom", "fhir", "hl7v2", "meds", "mqtt", "rota", "sdc", "tables", "wfdb")}  # fmt: skip
    assert {kind for kind, tier in claimed.items() if tier == Tier.LOOPBACK} == {"bacnet", "fhir", "sdc"}
    assert set(claimed.values()) == {Tier.LOOPBACK, Tier.PEER}


@pytest.mark.service
def test_hl7v2_another_client_sends_and_another_parser_reads_the_answer(tmp_path):
    """The MLLP client of python-hl7, blocking, with its own framing."""
    raw = lines(obx("4.1", code="2823-3^Potassium^LN", unit="mmol/L"))

    def send(port):
        with MLLPClient("127.0.0.1", port) as client:
            return [client.send_message(one) for one in (raw, raw.replace(PID.encode(), b"PID|1||"))]

    async def story():
        async with listening(tmp_path) as (made, _, record):
            return await asyncio.to_thread(send, made.port), reader(record).subjects()

    answers, subjects = asyncio.run(story())
    read = [hl7.parse(answer.strip(b"\x0b\x1c\r").decode()) for answer in answers]
    assert [(str(one.segment("MSA")[1]), str(one.segment("MSA")[2])) for one in read] == [("AA", "M1"), ("AE", "M1")]
    assert str(read[1].segment("ERR")[2]) == "PID^1^3" and len(subjects) == 1


@pytest.mark.service
def test_hl7v2_samples_of_others_through_another_client_are_all_answered(tmp_path):
    """The asynchronous client of python-hl7: 73 messages of other projects, as it writes them."""

    async def story():
        made = Hl7v2Door("test", {"port": 0, "zone": "Europe/London", "processing": "PDT"})
        async with listening(tmp_path, made) as (made, intake, _):
            incoming, outgoing = await open_hl7_connection("127.0.0.1", made.port)
            codes = []
            for path in SAMPLES:
                text = path.read_bytes().decode("utf-8-sig", "replace").replace("\r\n", "\r").replace("\n", "\r")
                sent = hl7.parse(text)
                for asked in (15, 16):  # some ask for no answer
                    if len(sent.segment("MSH")) > asked:
                        sent.segment("MSH")[asked] = hl7.Field("~", [""])
                outgoing.writemessage(sent)
                await outgoing.drain()
                answer = await asyncio.wait_for(incoming.readmessage(), 10)
                assert str(answer.segment("MSA")[2]) == str(sent.segment("MSH")[10]), path.name
                codes.append(str(answer.segment("MSA")[1]))
            outgoing.close()
            await outgoing.wait_closed()
            return codes, intake.state.counters["failed"]

    codes, failed = asyncio.run(story())
    assert len(codes) == len(SAMPLES) == 73 and set(codes) == {"AA", "AE"} and not failed
    assert codes.count("AA") > 60


@pytest.mark.service
def test_hl7v2_another_server_reads_what_our_sender_sends():
    async def story():
        seen = []

        async def serve(incoming, outgoing):
            message = await incoming.readmessage()
            seen.append(str(message.segment("OBX")[5]))
            outgoing.writemessage(message.create_ack())
            await outgoing.drain()
            outgoing.close()
            await outgoing.wait_closed()

        async with await start_hl7_server(serve, host="127.0.0.1", port=0) as server:
            port = server.sockets[0].getsockname()[1]
            async with MllpSender("127.0.0.1", port) as sender:
                told = await sender.send(lines(obx("4.1")))
            return seen, told

    seen, told = asyncio.run(story())
    assert (seen, told.code, told.control) == (["4.1"], "AA", "M1")


def test_rota_calendars_that_other_programs_exported_are_shifts_or_refused():
    """Google Calendar, Thunderbird, Exchange, khal and others; the hours are those that their own library reads."""
    files = [
        path for path in sorted(CALENDARS.glob("*.ics")) if re.search(PROGRAMS, path.read_text("utf-8", "replace"))
    ]
    if not files:
        pytest.skip("icalendar was installed without its tests")
    door = RotaDoor(
        "t", {"path": ".", "zone": "Europe/London", "place": "elm", "back_days": 12_000, "ahead_days": 9_000}
    )
    read = 0
    for path in files:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                decoded = door.decode(path.read_bytes(), f"text/calendar;file={path.name};now=1774700000000000")
                said = icalendar.Calendar.from_ical(path.read_bytes(), multiple=True)
        except (RefusedError, ValueError):
            continue
        starts = {one.start for calendar in said for one in calendar.walk("VEVENT") if one.get("RRULE") is None}
        zoned = {round(one.timestamp() * 1e6) for one in starts if getattr(one, "tzinfo", None) is not None}
        read += len(zoned & {part.effective for part in decoded.parts})
    assert read >= 10


def test_tables_that_other_people_wrote_are_proposed_and_read_value_by_value():
    """The vital signs of the CLIF demo, a Parquet table of 100 stays, against pandas."""
    try:
        path = Path(str(demo_folder())) / "clif_vitals.parquet"
    except DataError:
        pytest.skip("no CLIF demo in this environment")
    pd = pytest.importorskip("pandas")
    labs = propose(path.with_name("clif_labs.parquet"), Hints(zone="UTC")).mapping
    assert (labs.time.columns, labs.issued.columns) == (("lab_collect_dttm",), ("lab_result_dttm",))
    found = propose(path, Hints(zone="UTC"))
    assert found.ready
    table = pd.read_parquet(path).head(3000)
    door = TablesDoor("t", {"path": "."}, found.mapping)
    raw = table.to_parquet(index=False)
    saved = round(table["recorded_dttm"].max().timestamp() * 1e6) + 1
    decoded = door.decode(raw, f"application/vnd.apache.parquet;file=v.parquet;saved={saved}")
    assert not decoded.refused
    known = table[table["vital_category"] == "heart_rate"]
    times = [round(one.timestamp() * 1e6) for one in known["recorded_dttm"]]
    wanted = sorted(zip(times, known["vital_value"], strict=True))
    translator = Translator("t", CodeMapping([]))
    kept = [translator.translate(part, 0)[0] for part in decoded.parts if part.codes[0].code == "heart_rate"]
    assert sorted((one.effective, one.value) for one in kept) == wanted and len(wanted) > 300
