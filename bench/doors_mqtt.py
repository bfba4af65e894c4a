"""The MQTT door: messages a second from a real broker, published, committed and acknowledged, all on one machine."""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.peers.mosquitto import Mosquitto, mosquitto

from caretwin.ingest.doors.mqtt.door import MqttDoor
from caretwin.ingest.intake import Intake
from caretwin.ingest.mapping import CodeMapping
from caretwin.ingest.translate import Translator
from caretwin.record.record import open_record
from caretwin.record.writer import Writer

MESSAGES, ROOMS = 30_000, 60
TOPICS = Path(__file__).parent.parent / "examples" / "mqtt_topics.toml"
PUBLISH = """
import sys, time
from caretwin.ingest.doors.mqtt.sender import MqttSender
url, count, rooms = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
start = 1_764_072_000
with MqttSender(url) as sender:
    for i in range(count):
        at = start + i // rooms
        sender.send(f"bench/{i % rooms}", '{"temperature": %.2f, "at": %d, "sensor": "s"}' % (18 + i % 7, at))
"""
MAPPING = """
[[topic]]
pattern = "bench/{room}"
subject = { system = "local:rooms", value = "bench-{room}", kind = "place" }
time = "at"
device = "{/sensor}"
value = [{ at = "temperature", code = "room_temperature", unit = "Cel" }]
"""


def messages_a_second(count: int = MESSAGES) -> float:
    """Messages a second, from the first that is published to the last that is acknowledged."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "topics.toml").write_text(MAPPING)
        with mosquitto(folder / "broker") as broker:
            door = MqttDoor("bench", {"url": broker.url, "topics": str(folder / "topics.toml"), "client": "bench"})
            return count / asyncio.run(_seconds(door, broker, folder, count))


async def _seconds(door: MqttDoor, broker: Mosquitto, folder: Path, count: int) -> float:
    clock = lambda: time.time_ns() // 1000  # noqa: E731
    record = open_record(folder / "record.db", clock)
    stop = asyncio.Event()
    with Writer(record) as writer:
        intake = Intake(door, record, writer, Translator("bench", CodeMapping([])), clock)
        running = asyncio.create_task(door.run(intake, stop))
        while not intake.state.listening:
            await asyncio.sleep(0.01)
        begin = time.perf_counter()
        command = [sys.executable, "-c", PUBLISH, broker.url, str(count), str(ROOMS)]
        with subprocess.Popen(command) as sender:
            while intake.state.counters["entries"] < count:
                await asyncio.sleep(0.01)
            seconds = time.perf_counter() - begin
        assert sender.returncode == 0
        stop.set()
        await running
    record.close()
    return seconds


def main() -> None:
    """Print the rate of three runs."""
    print(json.dumps({"messages_a_second": [round(messages_a_second()) for _ in range(3)]}))


if __name__ == "__main__":
    main()
