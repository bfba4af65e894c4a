"""The MQTT door against a real broker: what is acknowledged is kept, and what is not kept is sent again."""

import asyncio
import gc
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode
from tests.ingest.doors.site import now, site, until, while_running
from tests.paths import ROOT
from tests.peers.mosquitto import mosquitto

from caretwin.ingest.doors.mqtt import door as mqtt
from caretwin.ingest.doors.mqtt.door import MqttDoor
from caretwin.ingest.doors.mqtt.sender import MqttSender
from caretwin.ingest.doors.mqtt.session import Session
from caretwin.serve.running import open_doors
from caretwin.serve.site import Site

pytestmark = pytest.mark.service
CLIMATE, DOOR = "homes/elm/rooms/12/climate", "homes/elm/rooms/12/door"
ROOM = ("local:rooms", "elm-12")


def door_to(broker, **more):
    settings = {"url": broker.url, "topics": str(ROOT / "examples/mqtt_topics.toml"), **more}
    return MqttDoor("home", settings)


def climate(number, temperature=21.5):
    at = f"2025-11-25T12:{number // 60:02d}:{number % 60:02d}Z"
    return {"temperature": temperature, "at": at, "sensor": "s1"}


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with mosquitto(tmp_path_factory.mktemp("mosquitto")) as running:
        yield running


@pytest.mark.parametrize("version", [5, 3])
def test_a_reading_that_is_published_stands_in_the_record(broker, tmp_path, version):
    with site(door_to(broker, version=version, client=f"reads{version}"), tmp_path) as one:

        async def publish():
            await asyncio.to_thread(send, broker, [(CLIMATE, climate(0)), (DOOR, "OPEN")])
            await until(lambda: "door_open" in one.latest(*ROOM), "the door's state")

        while_running(one, publish)
        found = one.latest(*ROOM)
        assert found["room_temperature"].value == 21.5
        assert found["door_open"].value == 1.0
        assert abs(found["door_open"].effective - now()) < 30_000_000
        assert found["room_temperature"].source == "home/s1"
        assert one.intake.state.counters["accepted"] == 2
        assert one.intake.state.listening == ""


def send(broker, messages, **more):
    with MqttSender(broker.url) as sender:
        for topic, payload in messages:
            sender.send(topic, payload, **more)


def test_what_the_record_could_not_take_is_not_acknowledged_and_is_sent_again(broker, tmp_path):
    """The disk fails at the commit; the server stops and starts again; nothing that was published is lost."""
    messages = [(CLIMATE, climate(i, 20 + i / 100)) for i in range(50)]
    with site(door_to(broker, client="redelivery"), tmp_path) as one:
        whole = one.record.append_all
        one.record.append_all = broken
        one.record.writing = broken

        async def publish():
            await asyncio.to_thread(send, broker, messages)
            await until(lambda: "cannot be written" in one.intake.state.trouble, "the trouble is told")

        while_running(one, publish)
        del one.record.writing
        one.record.append_all = whole
        assert one.values(*ROOM, "room_temperature") == []

        async def come_again():
            await until(lambda: len(one.values(*ROOM, "room_temperature")) == 50, "all come again")

        while_running(one, come_again)

        async def nothing_more():
            await asyncio.sleep(0.5)

        seen = one.intake.state.counters["entries"]
        while_running(one, nothing_more)
        assert one.intake.state.counters["entries"] == seen  # all was acknowledged: nothing comes a third time


def broken(*_, **__):
    raise OSError("no space left on device")


def test_nothing_is_acknowledged_before_its_commit_and_everything_after_it(broker, tmp_path):
    """A client that takes our session over during a commit gets all of it; one that does so after it, nothing."""
    with site(door_to(broker, client="taken"), tmp_path) as one:
        whole, begun, go_on = one.record.append_all, threading.Event(), threading.Event()

        def held(work):
            begun.set()
            go_on.wait(20.0)
            return whole(work)

        one.record.append_all = held

        async def take_over():
            await asyncio.to_thread(send, broker, [(CLIMATE, climate(i)) for i in range(20)])
            await asyncio.to_thread(begun.wait, 10.0)
            assert await asyncio.to_thread(session_has, broker, "taken") == 20
            go_on.set()
            await until(lambda: len(one.values(*ROOM, "room_temperature")) == 20, "the commits")
            await until(lambda: one.intake.state.counters["messages"] == 40, "all came again, and is known", 30.0)
            await until(lambda: one.intake.state.counters["duplicates"] == 20, "nothing is kept twice")

        while_running(one, take_over)
        assert session_has(broker, "taken") == 0


def test_a_state_without_a_time_that_is_sent_again_keeps_the_time_of_its_first_arrival(broker, tmp_path):
    """The connection is lost between the commit and its acknowledgement: the door has opened once, not twice."""
    with site(door_to(broker, client="again"), tmp_path) as one:
        whole, begun, go_on = one.record.append_all, threading.Event(), threading.Event()

        def held(work):
            begun.set()
            go_on.wait(20.0)
            return whole(work)

        one.record.append_all = held

        async def lose():
            await asyncio.to_thread(send, broker, [(DOOR, "OPEN")])
            await asyncio.to_thread(begun.wait, 10.0)
            await asyncio.to_thread(session_has, broker, "again")
            await until(lambda: one.intake.state.listening, "it is connected again")
            go_on.set()
            await until(lambda: one.intake.state.counters["messages"] >= 2, "it comes again")
            await until(lambda: one.intake.state.counters["duplicates"] == 1, "and is known")

        while_running(one, lose)
        assert one.values(*ROOM, "door_open") == [1.0]


def session_has(broker, name):
    """How many readings the broker sends to a client that takes a session over and acknowledges nothing."""
    found = []
    client = door_to(broker).broker.client(name, lasting=True)
    client.on_message = lambda _, __, message: found.append(message.topic)
    door_to(broker).broker.connect(client, lasting=True, window=1000, session_s=600, wait=True)
    client.loop_start()
    time.sleep(1.0)
    client.disconnect()
    client.loop_stop()
    return sum(topic == CLIMATE for topic in found)


def test_every_reading_survives_a_kill_at_any_moment(broker, tmp_path):
    """The server is killed amid 4,000 readings; whoever comes after it finds all of them, each once."""
    names = ("survives", str(tmp_path), broker.url)
    code = "from tests.ingest.doors.test_mqtt_broker import serve; import sys; serve(*sys.argv[1:])"
    server = subprocess.Popen([sys.executable, "-c", code, *names], cwd=ROOT, stdout=subprocess.PIPE)
    assert server.stdout is not None
    with server.stdout:
        server.stdout.readline()  # it listens: the session is there
        for part in range(2):
            with MqttSender(broker.url) as sender:
                for i in range(2000):
                    sender.send(CLIMATE, climate(i % 3000, 10 + part + (i % 2000) / 10_000))
                    if i == 1000:
                        sender.flush()
                        server.kill()
            server.wait(10)
    with site(door_to(broker, client="survives"), tmp_path) as one:

        async def rest():
            await until(lambda: len(one.values(*ROOM, "room_temperature")) == 4000, "all readings", 30.0)
            await asyncio.sleep(0.5)

        kept = len(one.values(*ROOM, "room_temperature"))
        while_running(one, rest)
        assert len(one.values(*ROOM, "room_temperature")) == 4000
        assert kept > 0, "nothing was kept before the kill: the test shows nothing"


def serve(name, folder, url):
    """A server of its own, until it is killed."""
    door = MqttDoor("home", {"url": url, "topics": str(ROOT / "examples/mqtt_topics.toml"), "client": name})

    async def run(one):
        stop = asyncio.Event()
        running = asyncio.create_task(door.run(one.intake, stop))
        await until(lambda: one.intake.state.listening, "the door listens")
        print("listens", flush=True)
        await running

    with site(door, Path(folder)) as one:
        asyncio.run(run(one))


@pytest.mark.parametrize("quality", [0, 1])
def test_what_waits_in_memory_is_bounded_while_the_disk_is_slow(broker, tmp_path, monkeypatch, quality):
    """With a window of 50 and a commit that lasts, no more than that is taken from the broker."""
    waiting = []

    class Watched(mqtt.Inbox):
        def put(self, message):
            super().put(message)
            waiting.append(len(self._waiting))

    monkeypatch.setattr(mqtt, "Inbox", Watched)
    with site(door_to(broker, client=f"bounded{quality}", window=50), tmp_path) as one:
        whole, go_on = one.record.append_all, threading.Event()

        def held(work):
            go_on.wait(20.0)
            return whole(work)

        one.record.append_all = held
        messages = [(CLIMATE, climate(i)) for i in range(1000)]

        async def flood():
            await asyncio.to_thread(send, broker, messages, quality=quality)
            await asyncio.sleep(0.5)
            taken = len(waiting)
            go_on.set()
            assert taken <= 101  # a batch that is being committed, what waits, and one at the door
            await until(lambda: len(one.values(*ROOM, "room_temperature")) == 1000, "all in the end")

        while_running(one, flood)
        assert max(waiting) <= 50


def test_readings_published_while_we_were_away_come_with_their_times(broker, tmp_path):
    with site(door_to(broker, client="away"), tmp_path) as one:

        async def nothing():
            pass

        while_running(one, nothing)  # makes the session
        send(broker, [(CLIMATE, climate(i)) for i in range(30)] + [(DOOR, "OPEN")])

        async def back():
            await until(lambda: len(one.values(*ROOM, "room_temperature")) == 30, "the readings of our absence")
            await until(one.quarantined, "the state without a time is put aside")
            await asyncio.to_thread(send, broker, [(DOOR, "CLOSED")])
            await until(lambda: one.values(*ROOM, "door_open"), "what is published now counts")

        while_running(one, back)
        assert one.values(*ROOM, "door_open") == [0.0]  # when the door was open is not known: it is no state of now
        (aside,) = one.quarantined()
        assert "waited at the broker" in aside.reason
        assert one.aside(aside.number) == b"OPEN"


def test_a_retained_state_is_ignored_until_it_is_published_anew(broker, tmp_path):
    send(broker, [("homes/oak/rooms/1/door", "OPEN")], retain=True)
    with site(door_to(broker, client="retained"), tmp_path) as one:

        async def look():
            await until(lambda: one.intake.state.counters["ignored"], "the retained message")
            await asyncio.to_thread(send, broker, [("homes/oak/rooms/1/door", "CLOSED")], retain=True)
            await until(lambda: one.values("local:rooms", "oak-1", "door_open"), "a new one")

        while_running(one, look)
        assert one.values("local:rooms", "oak-1", "door_open") == [0.0]
    send(broker, [("homes/oak/rooms/1/door", b"")], retain=True)


def test_the_same_reading_twice_is_kept_once(broker, tmp_path):
    with site(door_to(broker, client="twice"), tmp_path) as one:

        async def publish():
            await asyncio.to_thread(send, broker, [(CLIMATE, climate(0))] * 3)
            await until(lambda: one.intake.state.counters["messages"] == 3, "three messages")
            await until(lambda: one.intake.state.counters["duplicates"] == 2, "two are known")

        while_running(one, publish)
        assert one.values(*ROOM, "room_temperature") == [21.5]


def test_a_bad_message_waits_in_quarantine_and_takes_no_other_with_it(broker, tmp_path):
    with site(door_to(broker, client="bad"), tmp_path) as one:

        async def publish():
            bad = [(CLIMATE, b"{not json"), (CLIMATE, {"temperature": "1,5", "at": "2025-11-25T12:00Z", "sensor": "s"})]
            await asyncio.to_thread(send, broker, [*bad, (CLIMATE, climate(1))])
            await until(lambda: len(one.quarantined()) == 2, "two in quarantine")
            await until(lambda: one.values(*ROOM, "room_temperature"), "the good one")

        while_running(one, publish)
        assert one.values(*ROOM, "room_temperature") == [21.5]
        assert one.intake.state.counters["refused"] == 2


def test_a_broker_that_goes_and_comes_is_found_again(tmp_path):
    with mosquitto(tmp_path / "broker") as broker, site(door_to(broker), tmp_path) as one:

        async def lose():
            await asyncio.to_thread(broker.stop)
            await until(lambda: not one.intake.state.listening, "the loss is noticed")
            assert broker.url in one.intake.state.trouble
            await asyncio.to_thread(broker.start)
            await until(lambda: one.intake.state.listening, "the broker is found again")
            assert one.intake.state.trouble == ""
            await asyncio.to_thread(send, broker, [(CLIMATE, climate(5))])
            await until(lambda: one.values(*ROOM, "room_temperature"), "a reading after it")

        while_running(one, lose)
        assert one.intake.state.counters["reconnects"] >= 1


def test_announced_devices_are_subscribed_to_as_they_come(broker, tmp_path):
    config = {
        "unique_id": "t1", "device_class": "temperature", "unit_of_measurement": "°F", "state_topic": "z/t1",
        "value_template": "{{ value_json.t }}", "device": {"suggested_area": "Room 7"},
    }  # fmt: skip
    rooms = tmp_path / "rooms.toml"
    rooms.write_text('area_system = "local:areas"\n')
    send(broker, [("ha/sensor/t1/config", config)], retain=True)
    door = door_to(broker, topics="", discovery="ha", rooms=str(rooms), client="announced")
    tested = asyncio.run(door.test())
    assert tested.works
    assert "1 announced sensors are read, 0 are not" in tested.sentence
    with site(door, tmp_path) as one:

        async def publish():
            await until(lambda: "z/t1" in door.topics, "the announcement")
            await asyncio.sleep(0.3)
            await asyncio.to_thread(send, broker, [("z/t1", {"t": 70.7})])
            await until(lambda: one.latest("local:areas", "Room 7"), "the reading")

        while_running(one, publish)
        assert one.latest("local:areas", "Room 7")["room_temperature"].value == pytest.approx(21.5)


def test_a_session_that_another_client_takes_over_is_told_plainly(broker):
    told, door = [], door_to(broker, client="fought")
    session = Session(door.broker, "fought", 10, 600, None, now, told.append)
    session._lost(None, None, None, ReasonCode(PacketTypes.DISCONNECT, "Session taken over"), None)
    assert "another client took the session over: it is called fought too" in told[0]
    assert (session.taken, session.passing) == (told[0], "")
    session._lost(None, None, None, ReasonCode(PacketTypes.DISCONNECT, "Unspecified error"), None)
    assert broker.url in told[1] and "called fought would do that" in told[1]
    assert session.passing == told[1]


def test_a_door_without_a_name_has_one_of_its_own_in_each_site(broker, tmp_path, monkeypatch):
    here = door_to(broker).client
    assert here == door_to(broker).client
    assert here.startswith("caretwin-home-")
    monkeypatch.chdir(tmp_path)
    assert door_to(broker).client != here
    section = {"kind": "mqtt", "url": broker.url, "topics": str(ROOT / "examples/mqtt_topics.toml")}
    sites = [Site("a", "UTC", record, {"home": section}) for record in ("one.db", "one.db", "two.db")]
    one, again, two = (open_doors(site)["home"][0].client for site in sites)
    assert one == again != two


def test_a_test_of_the_connection_says_what_is_wrong(tmp_path, monkeypatch):
    password_file = tmp_path / "passwords"
    password_file.write_text("")
    lines = ("allow_anonymous false", f"password_file {password_file}")
    with mosquitto(tmp_path / "closed", *lines) as broker:
        assert not asyncio.run(door_to(broker).test()).works
        monkeypatch.setenv("MQTT_USER", "ward")
        monkeypatch.setenv("MQTT_PASSWORD", "wrong-secret")
        named = door_to(broker, user_variable="MQTT_USER", password_variable="MQTT_PASSWORD")
        tested = asyncio.run(named.test())
        assert not tested.works
        assert "let us in" in tested.sentence
        assert "wrong-secret" not in tested.sentence + repr(named.broker)
    assert "does not answer" in asyncio.run(door_to(broker).test()).sentence


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # paho leaves sockets of failed
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # handshakes to the garbage collector
@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on this machine to make certificates with")
def test_an_encrypted_connection_asks_for_the_right_certificates(tmp_path):
    """The broker lets in only who shows a certificate of its authority, and we speak only to a broker of ours."""
    certificates(tmp_path)
    ca, key, certificate = (str(tmp_path / name) for name in ("ca.pem", "one.key", "one.pem"))
    files = (f"cafile {ca}", f"certfile {certificate}", f"keyfile {key}", "require_certificate true")
    with mosquitto(tmp_path / "tls", "listener PORT 127.0.0.1", *files) as broker:
        url = f"mqtts://localhost:{broker.port}"
        known = door_to(broker, url=url, ca=ca, certificate=certificate, key=key)
        assert asyncio.run(known.test()).works
        assert not asyncio.run(door_to(broker, url=url, ca=ca).test()).works
        stranger = asyncio.run(door_to(broker, url=url, certificate=certificate, key=key).test())
        assert not stranger.works
        with site(known, tmp_path) as one:

            async def publish():
                await asyncio.to_thread(send_secure, url, {"ca": ca, "certificate": certificate, "key": key})
                await until(lambda: one.values(*ROOM, "room_temperature"), "a reading")

            while_running(one, publish)
    gc.collect()


def send_secure(url, files):
    with MqttSender(url, files) as sender:
        sender.send(CLIMATE, climate(0))


def certificates(folder):
    """An authority, and one certificate of it for localhost that serves both sides."""

    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
            "-subj", "/CN=authority of a test", "-addext", "keyUsage=critical,keyCertSign,cRLSign")  # fmt: skip
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "one.key", "-out", "one.csr", "-subj", "/CN=localhost")
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "one.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "one.pem",
            "-days", "2", "-extfile", "names")  # fmt: skip
