"""Messages for tests, line by line, and a door with a real record."""

import asyncio
from contextlib import asynccontextmanager, contextmanager

from caretwin.ingest.decoded import CodedValue
from caretwin.ingest.doors.hl7v2.door import Hl7v2Door
from caretwin.ingest.intake import Intake
from caretwin.ingest.mapping import CodeMapping
from caretwin.ingest.translate import Translator
from caretwin.record.access import operator
from caretwin.record.record import open_record
from caretwin.record.writer import Writer

NOW = 1_709_274_000_000_000  # 2024-03-01 06:20 UTC
MSH = r"MSH|^~\&|LAB|NORTH|TWIN|WARD|20240301061500+0000||ORU^R01^ORU_R01|M1|P|2.5.1"
PID = "PID|1||1234^^^NORTH^MR||||19500412|F"
OBR = "OBR|1|P77|F88|24323-8^Panel^LN|||20240301060000+0000|||||||||||||||20240301061000+0000|||F"


def message(*lines: str) -> bytes:
    return ("\r".join(lines) + "\r").encode()


def oru(*obx: str, msh: str = MSH, pid: str = PID, obr: str = OBR) -> bytes:
    return message(msh, pid, obr, *obx)


def obx(value="7.4", kind="NM", code="2160-0^Creatinine^LN", unit="mg/dL", sub="", status="F", time="", number=1):
    return f"OBX|{number}|{kind}|{code}|{sub}|{value}|{unit}|||||{status}|||{time}"


def door(**settings) -> Hl7v2Door:
    return Hl7v2Door("test", {"port": 0, "zone": "", **settings})


def decoded(raw: bytes, **settings):
    return door(**settings).decode(raw, "")


def values(raw: bytes, **settings) -> list[CodedValue]:
    found = decoded(raw, **settings)
    assert not found.refused, found.refused
    return [part for part in found.parts if isinstance(part, CodedValue)]


def value(raw: bytes, **settings) -> CodedValue:
    (one,) = values(raw, **settings)
    return one


def refusals(raw: bytes, **settings) -> list[tuple[str, str]]:
    return [(one.place, one.seen) for one in decoded(raw, **settings).refused]


@contextmanager
def intake_of(tmp_path, made: Hl7v2Door, *, most_waiting: int = 64):
    """A door's way into a real record."""
    record = open_record(tmp_path / "record.db", lambda: NOW)
    try:
        with Writer(record, most_waiting) as writer:
            yield Intake(made, record, writer, Translator(made.name, CodeMapping([])), lambda: NOW), record
    finally:
        record.close()


@asynccontextmanager
async def listening(tmp_path, made: Hl7v2Door | None = None):
    """A door that listens at a free port, its intake, and the record behind it."""
    made = made or door()
    with intake_of(tmp_path, made) as (intake, record):
        stop = asyncio.Event()
        running = asyncio.create_task(made.run(intake, stop))
        try:
            async with asyncio.timeout(10):
                while not intake.state.listening:
                    await asyncio.sleep(0.005)
            yield made, intake, record
        finally:
            stop.set()
            await running


def reader(record):
    return record.reading(operator())
