"""The door on a real socket with a real record: what is acknowledged is kept, and no peer can hold it up."""

import asyncio
import random
import ssl
import subprocess

import pytest
from tests.ingest.doors.hl7v2_lines import MSH, NOW, OBR, PID, door, listening, message, obx, reader
from tests.ingest.doors.hl7v2_lines import oru as lines

from caretwin.base.errors import DataError
from caretwin.ingest.decoded import LOINC
from caretwin.ingest.door import make_door
from caretwin.ingest.doors.hl7v2.framing import Framer, framed
from caretwin.ingest.doors.hl7v2.sender import Measured, MllpSender, SendError, oru, read_answer
from caretwin.record.entry import Identifier
from caretwin.record.store import keep
from caretwin.record.writer import BusyError, Writer

pytestmark = pytest.mark.service
WHO = Identifier("NORTH", "1234")


def pulse(value=72.0, minute=0, control="M1", **more) -> bytes:
    said = [Measured(LOINC, "8867-4", "Heart rate", value, "/min", NOW - 600_000_000 + minute * 60_000_000)]
    return oru(WHO, said, control, NOW, **more)


def heart_rates(record) -> list[float]:
    look = reader(record)
    return [v for one in look.subjects() for s in look.series(one.key, ["heart_rate"]) for v in s.value.tolist()]


async def answers(port: int, *pieces: bytes, expected: int, pause: float = 0.0) -> list[str]:
    """What comes back to bytes that are sent piece by piece on one connection."""
    incoming, outgoing = await asyncio.open_connection("127.0.0.1", port)
    framer, found = Framer(), []
    for piece in pieces:
        outgoing.write(piece)
        await outgoing.drain()
        await asyncio.sleep(pause)
    async with asyncio.timeout(10):
        while len(found) < expected:
            chunk = await incoming.read(65_536)
            if not chunk:
                break
            found += [read_answer(one.raw) for one in framer.feed(chunk)]
    outgoing.close()
    await outgoing.wait_closed()
    return [f"{one.code} {one.control}".strip() for one in found]


async def closed(port: int, *pieces: bytes) -> bytes:
    """What comes before the other side closes the connection."""
    incoming, outgoing = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        outgoing.write(piece)
    async with asyncio.timeout(10):
        try:
            return await incoming.read(-1)
        except ConnectionError:
            return b""
        finally:
            outgoing.close()


def test_a_message_is_in_the_record_when_its_answer_comes(tmp_path):
    async def story():
        async with listening(tmp_path) as (made, _, record), MllpSender("127.0.0.1", made.port) as sender:
            told = await sender.send(pulse())
            assert (told.code, told.control) == ("AA", "M1")
            assert heart_rates(record) == [72.0]

    asyncio.run(story())


def test_a_resend_is_acknowledged_and_kept_once_and_a_correction_replaces(tmp_path):
    async def story():
        async with listening(tmp_path) as (made, intake, record), MllpSender("127.0.0.1", made.port) as sender:
            for raw in (pulse(), pulse(), pulse(control="M2"), pulse(80.0, control="M3", status="C")):
                assert (await sender.send(raw)).code == "AA"
            assert heart_rates(record) == [80.0]
            assert intake.state.counters["duplicates"] == 2
            assert (await sender.send(pulse(None, control="M4", status="D"))).code == "AA"

    asyncio.run(story())


def test_a_result_that_is_deleted_is_gone(tmp_path):
    wrong, gone = (
        lines(obx("72", code="8867-4^^LN", unit="/min")),
        lines(obx("72", code="8867-4^^LN", unit="/min", status="D"), msh=MSH.replace("0615", "0715")),
    )

    async def story():
        async with listening(tmp_path) as (made, _, record), MllpSender("127.0.0.1", made.port) as sender:
            await sender.send(wrong)
            assert heart_rates(record) == [72.0]
            await sender.send(gone)
            assert heart_rates(record) == []

    asyncio.run(story())


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_message_in_pieces_and_messages_in_one_piece_are_answered_in_order(tmp_path, size):
    stream = b"".join(b"noise" + framed(pulse(minute=n, control=f"M{n}")) for n in range(3))

    async def story():
        async with listening(tmp_path) as (made, intake, record):
            pieces = [stream[i : i + size] for i in range(0, len(stream), size)]
            assert await answers(made.port, *pieces, expected=3) == ["AA M0", "AA M1", "AA M2"]
            assert len(heart_rates(record)) == 3
            assert intake.state.counters["garbage"] == 15

    asyncio.run(story())


def test_many_messages_at_once_are_answered_each_in_its_turn(tmp_path):
    stream = b"".join(framed(pulse(minute=n % 9, control=f"M{n}", value=60.0 + n)) for n in range(200))

    async def story():
        async with listening(tmp_path) as (made, _, record):
            assert await answers(made.port, stream, expected=200) == [f"AA M{n}" for n in range(200)]
            assert sorted(heart_rates(record)) == [60.0 + n for n in range(191, 200)]  # the last of each minute

    asyncio.run(story())


def test_what_is_refused_waits_in_quarantine_with_its_reason(tmp_path):
    async def story():
        async with listening(tmp_path) as (made, _, record):
            nobody = lines(obx(), pid="PID|1")
            partly = lines(obx(time="20240301060000+0000"), obx("1~2", number=2))
            training = lines(obx(), msh=MSH.replace("|P|", "|T|"))
            stream = [framed(raw) for raw in (nobody, partly, training, b"no message")]
            assert await answers(made.port, *stream, expected=4) == ["AE M1", "AA M1", "AR M1", "AR"]
            waiting = keep.quarantined(record.connection())
            aside = [keep.message(record.connection(), one.number) for one in waiting]
            assert aside == [nobody, partly, training, b"no message"]
            assert "PID[1]-3" in waiting[0].reason
            assert "OBX[2]-5" in waiting[1].reason

    asyncio.run(story())


def test_nobody_connects_whom_the_site_did_not_name(tmp_path):
    async def story():
        async with listening(tmp_path, door(allow=["10.0.0.0/8"])) as (made, intake, record):
            assert await closed(made.port, framed(pulse())) == b""
            assert intake.state.counters["denied"] == 1
            assert "127.0.0.1" in intake.state.trouble
            assert heart_rates(record) == []

    asyncio.run(story())


def test_only_so_many_connect_at_once(tmp_path):
    async def story():
        async with listening(tmp_path, door(connections=1)) as (made, _, _), MllpSender("127.0.0.1", made.port) as one:
            assert (await one.send(pulse())).kept
            assert await closed(made.port) == b""
            assert (await one.send(pulse())).kept

    asyncio.run(story())


def test_a_silent_peer_and_half_a_message_do_not_stay(tmp_path):
    async def story():
        made = door(silence_s=0.2, patience_s=0.2)
        async with listening(tmp_path, made) as (made, intake, record):
            assert await closed(made.port) == b""
            assert await closed(made.port, framed(pulse())[:50]) == b""
            assert intake.state.counters["timeouts"] == 2
            assert await answers(made.port, framed(pulse()), expected=1) == ["AA M1"]
            assert len(heart_rates(record)) == 1

    asyncio.run(story())


def test_a_peer_that_drips_bytes_does_not_stay_for_ever(tmp_path):
    async def story():
        async with listening(tmp_path, door(patience_s=0.3)) as (made, intake, _):
            incoming, outgoing = await asyncio.open_connection("127.0.0.1", made.port)
            with pytest.raises(ConnectionError):
                for byte in framed(pulse()):
                    outgoing.write(bytes([byte]))
                    await outgoing.drain()
                    await asyncio.sleep(0.05)
                    if incoming.at_eof():
                        raise ConnectionError
            assert intake.state.counters["timeouts"] == 1
            outgoing.close()

    asyncio.run(story())


def test_a_message_that_is_too_long_is_rejected_and_the_next_is_taken_in(tmp_path):
    async def story():
        async with listening(tmp_path, door(most_bytes=2000)) as (made, intake, record):
            long = framed(pulse(control="L") + b"NTE|1||" + b"x" * 200_000 + b"\r")
            assert await answers(made.port, long, framed(pulse()), expected=2) == ["AR L", "AA M1"]
            assert len(heart_rates(record)) == 1
            assert keep.quarantined(record.connection()) == []
            assert (intake.state.counters["messages"], intake.state.counters["refused"]) == (2, 1)

    asyncio.run(story())


def test_a_record_that_fails_acknowledges_nothing(tmp_path, monkeypatch):
    async def story():
        async with listening(tmp_path) as (made, intake, record), MllpSender("127.0.0.1", made.port) as sender:
            with monkeypatch.context() as broken:
                broken.setattr(record, "append_all", lambda work: (_ for _ in ()).throw(OSError("no space left")))
                told = await asyncio.gather(answers(made.port, framed(pulse()), expected=1))
                assert told == [["AR M1"]]
            assert intake.state.counters["failed"] == 1
            assert (await sender.send(pulse())).code == "AA"  # the sender sends again, and now it is kept
            assert heart_rates(record) == [72.0]

    asyncio.run(story())


def test_a_disk_that_does_not_keep_up_asks_the_sender_to_wait_and_keeps_nothing(tmp_path, monkeypatch):
    def full(self, actor, batch, *, wait_s=0.0):
        raise BusyError("keeping a batch", seen="a full queue", wanted="room", fix="send again later")

    async def story():
        async with listening(tmp_path) as (made, _, record):
            with monkeypatch.context() as busy:
                busy.setattr(Writer, "submit", full)
                assert await answers(made.port, framed(pulse()), expected=1) == ["AR M1"]
            assert heart_rates(record) == []
            assert keep.quarantined(record.connection()) == []
            assert await answers(made.port, framed(pulse()), expected=1) == ["AA M1"]

    asyncio.run(story())


def test_noise_and_broken_connections_do_not_disturb_a_good_one(tmp_path):
    async def noise(port: int, seed: int):
        luck = random.Random(seed)
        for _ in range(10):
            _, outgoing = await asyncio.open_connection("127.0.0.1", port)
            outgoing.write(luck.randbytes(luck.randint(1, 3000)))
            outgoing.write(framed(b"MSH|^~\\&|" + luck.randbytes(200)))
            outgoing.transport.abort() if luck.random() < 0.5 else outgoing.close()
            await asyncio.sleep(0)

    async def story():
        async with listening(tmp_path) as (made, _, record), MllpSender("127.0.0.1", made.port) as sender:
            noisy = asyncio.gather(*(noise(made.port, seed) for seed in range(3)))
            for n in range(30):
                assert (await sender.send(pulse(60.0 + n, minute=n, control=f"M{n}"))).code == "AA"
            await noisy
            assert heart_rates(record) == [60.0 + n for n in range(30)]

    asyncio.run(story())


def test_the_door_answers_what_is_under_way_before_it_stops(tmp_path):
    async def story():
        async with listening(tmp_path) as (made, intake, _):
            sender = MllpSender("127.0.0.1", made.port, attempts=1)
            assert (await sender.send(pulse())).kept
            port = made.port
        assert (made.port, intake.state.listening) == (0, "")
        await sender.close()
        with pytest.raises(SendError):
            await MllpSender("127.0.0.1", port, attempts=1).send(pulse())

    asyncio.run(story())


def test_a_port_that_is_taken_is_tried_again_until_it_is_free(tmp_path):
    async def story():
        other = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = other.sockets[0].getsockname()[1]
        made = door(port=port)
        assert not (await made.test()).works

        async def give_way():
            await asyncio.sleep(0.2)
            other.close()
            await other.wait_closed()

        freeing = asyncio.create_task(give_way())
        async with listening(tmp_path, made) as (made, intake, _):
            assert intake.state.counters["reconnects"] >= 1
            assert await answers(port, framed(pulse()), expected=1) == ["AA M1"]
        await freeing

    asyncio.run(story())


def test_the_test_of_a_door_says_where_and_for_whom_in_one_sentence(tmp_path):
    async def story():
        free = await door(port=0, allow=["10.1.2.0/24"]).test()
        assert (free.works, "10.1.2.0/24 may connect" in free.sentence) == (True, True)
        assert "nobody may connect" in (await door(allow=[]).test()).sentence
        async with listening(tmp_path) as (made, _, _):
            assert (await made.test()).sentence.startswith("It listens at 127.0.0.1:")
        absent = await door(host="192.0.2.1").test()  # an address for documentation: of no machine
        assert not absent.works

    asyncio.run(story())


def test_a_sender_tries_again_until_the_door_is_there(tmp_path):
    async def story():
        probe = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = probe.sockets[0].getsockname()[1]
        probe.close()
        await probe.wait_closed()
        sender = MllpSender("127.0.0.1", port)
        sending = asyncio.create_task(sender.send(pulse()))
        await asyncio.sleep(0.1)
        async with listening(tmp_path, door(port=port)):
            assert (await sending).code == "AA"
            await sender.close()

    asyncio.run(story())


def _certificates(folder) -> dict[str, str]:
    """A client CA that signs the door's certificate and a client's; made anew, for this test alone."""
    made = {}

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=folder)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1")
    for name in ("door", "client"):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj",
                f"/CN={name}")  # fmt: skip
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out",
                f"{name}.pem", "-extfile", "names")  # fmt: skip
        made[name] = str(folder / f"{name}.pem")
    return made


def test_with_tls_only_a_client_with_a_certificate_is_heard(tmp_path):
    import shutil

    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make certificates with")
    _certificates(tmp_path)
    files = {"certificate": "door.pem", "key": "door.key", "client_ca": "ca.pem"}
    made = door(**{name: str(tmp_path / file) for name, file in files.items()})
    trusting = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    known = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    known.load_cert_chain(str(tmp_path / "client.pem"), str(tmp_path / "client.key"))

    async def story():
        async with listening(tmp_path, made) as (_, intake, record):
            assert "TLS with client certificates" in (await made.test()).sentence
            async with MllpSender("127.0.0.1", made.port, tls=known) as sender:
                assert (await sender.send(pulse())).code == "AA"
            for tls in (trusting, None):
                with pytest.raises(SendError):
                    await MllpSender("127.0.0.1", made.port, tls=tls, attempts=1, wait_s=2).send(pulse(99.0))
            assert heart_rates(record) == [72.0]
            assert intake.state.listening.endswith("(TLS)")

    asyncio.run(story())


@pytest.mark.parametrize(
    "settings",
    [{"allow": ["ward.example"]}, {"zone": "Mars/Olympus"}, {"certificate": "/nowhere.pem"}, {"key": "/nowhere.key"}],
    ids=str,
)
def test_settings_that_cannot_work_are_refused_at_the_start(settings):
    with pytest.raises(DataError):
        door(**settings)


def test_the_registry_finds_the_door():
    made = make_door("icu", {"kind": "hl7v2", "zone": "Europe/London"})
    assert (made.name, made.kind) == ("icu", "hl7v2")
    with pytest.raises(DataError):
        make_door("icu", {"kind": "hl7v2", "prot": 1})


def test_a_replay_from_quarantine_is_read_as_it_would_have_been(tmp_path):
    """Replaying needs nothing but the raw bytes: the door decodes them as it did when they came."""
    raw = message(MSH, PID, OBR, obx(time="20240701120000"))
    assert door(zone="Europe/London").decode(raw, "").parts == door(zone="Europe/London").decode(raw, "").parts
