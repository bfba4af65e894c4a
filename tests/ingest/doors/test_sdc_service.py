"""The SDC door against a real provider over sockets: values arrive, people stay apart, losses are seen and mended."""

import asyncio
import math
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.ingest.doors.sdc_site import HOSPITAL, QUICK, now, site

from caretwin.ingest.doors.sdc.door import SdcDoor
from caretwin.ingest.doors.sdc.provider import CHANNELS, SimulatedMonitor
from caretwin.record.access import operator
from caretwin.serve import replay

pytestmark = pytest.mark.service
SECOND = 1_000_000


async def show(monitor: SimulatedMonitor, **values: float) -> int:
    """Publish values of now from a thread, as a device would; returns their time."""
    at = now()
    await asyncio.to_thread(monitor.publish, values, at)
    return at


def admitted(monitor: SimulatedMonitor, number: str, at: int | None) -> None:
    monitor.admit([(HOSPITAL, number)], at)


def test_every_channel_arrives_in_the_unit_of_the_record(tmp_path: Path) -> None:
    shown = {name: 0.4 if name in ("fio2", "tidal_volume") else 37.0 for name in CHANNELS}

    async def story() -> dict[str, list[float]]:
        with SimulatedMonitor() as monitor:
            admitted(monitor, "ada", now() - SECOND)
            async with site(tmp_path, provider=monitor.address) as here:
                await here.until(lambda: here.state.listening)
                await show(monitor, **shown)
                await here.until(lambda: here.values("ada", "fio2"))
                assert here.state.counters["unmapped"] == 0
                return {name: here.values("ada", name) for name in CHANNELS}

    found = asyncio.run(story())
    assert found == {name: [pytest.approx(value)] for name, value in shown.items()}


def test_a_device_is_found_by_its_name_or_its_place_and_no_other_is_touched(tmp_path: Path) -> None:
    async def story(**wish: Any) -> tuple[bool, str]:
        found = await SdcDoor("icu", {**QUICK, "interface": "127.0.0.1", **wish}).test()
        return found.works, found.sentence

    with SimulatedMonitor(place={"fac": "H1", "bed": "7"}, discoverable=True) as monitor:
        works, sentence = asyncio.run(story(endpoints=[monitor.endpoint]))
        assert works and monitor.endpoint in sentence and "no patient" in sentence
        works, sentence = asyncio.run(story(location="fac=H1, bed=8"))
        assert not works and "no wanted device answered" in sentence and monitor.endpoint in sentence

        async def found_while_running() -> None:
            admitted(monitor, "ada", now() - SECOND)
            async with site(tmp_path, interface="127.0.0.1", location="bed=7") as here:
                await here.until(lambda: here.state.listening)
                await show(monitor, heart_rate=71.0)
                await here.until(lambda: here.values("ada", "heart_rate") == [71.0])

        asyncio.run(found_while_running())


@pytest.mark.slow
def test_two_devices_at_once_and_one_that_comes_back_at_another_address(tmp_path: Path) -> None:
    async def story() -> None:
        with (
            SimulatedMonitor(discoverable=True) as other,
            SimulatedMonitor(discoverable=True) as monitor,
        ):
            endpoint, begin = monitor.endpoint, now() - SECOND
            admitted(other, "ben", begin)
            admitted(monitor, "ada", begin)
            async with site(tmp_path, interface="127.0.0.1", endpoints=[endpoint, other.endpoint]) as here:
                await here.until(lambda: here.state.listening.count("http") == 2)
                await show(monitor, heart_rate=71.0)
                await show(other, heart_rate=91.0)
                await here.until(lambda: here.values("ada", "heart_rate") and here.values("ben", "heart_rate"))
                await asyncio.to_thread(monitor.stop)
                await here.until(lambda: here.state.listening.count("http") == 1)
                with SimulatedMonitor(endpoint, discoverable=True) as again:
                    assert again.address != monitor.address
                    admitted(again, "ada", begin)
                    await here.until(lambda: again.address in here.state.listening)
                    await show(again, heart_rate=72.0)
                    await here.until(lambda: here.values("ada", "heart_rate") == [71.0, 72.0])
                assert here.values("ben", "heart_rate") == [91.0]

    asyncio.run(story())


def test_the_next_patient_gets_nothing_of_the_last_one(tmp_path: Path) -> None:
    """The monitor is moved while it still shows the last values; a late report speaks of the time before."""

    async def story() -> None:
        with SimulatedMonitor() as monitor:
            begin = now()
            admitted(monitor, "ada", begin - 60 * SECOND)
            async with site(tmp_path, provider=monitor.address) as here:
                await here.until(lambda: here.state.listening)
                await show(monitor, heart_rate=71.0)
                await asyncio.to_thread(monitor.discharge, now())
                await show(monitor, heart_rate=72.0)  # nobody is associated
                moved = now()
                await asyncio.to_thread(admitted, monitor, "ben", moved)
                await asyncio.to_thread(monitor.publish, {"heart_rate": 73.0}, begin - SECOND)  # late, of Ada's time
                await asyncio.to_thread(monitor.publish, {"heart_rate": 74.0}, moved - 1000)  # before Ben's
                await show(monitor, heart_rate=91.0)
                await here.until(lambda: here.values("ben", "heart_rate"))
                assert here.values("ben", "heart_rate") == [91.0]
                assert here.values("ada", "heart_rate") == [73.0, 71.0]
                assert here.state.counters["left out: no patient associated at that time"] == 2

    asyncio.run(story())


def test_a_patient_who_is_swapped_in_place_and_without_a_time_gets_only_what_is_new(tmp_path: Path) -> None:
    async def story() -> None:
        with SimulatedMonitor() as monitor:
            admitted(monitor, "ada", None)
            async with site(tmp_path, provider=monitor.address) as here:
                await here.until(lambda: here.state.listening)
                at = await show(monitor, heart_rate=71.0)
                await here.until(lambda: here.values("ada", "heart_rate"))
                await asyncio.to_thread(monitor.rename, [(HOSPITAL, "ben")])
                await asyncio.to_thread(monitor.publish, {"heart_rate": 72.0}, at - 1000)  # of Ada's time
                await asyncio.sleep(0.01)
                await show(monitor, heart_rate=91.0)
                await here.until(lambda: here.values("ben", "heart_rate"))
                assert here.values("ben", "heart_rate") == [91.0]

    asyncio.run(story())


def test_what_a_monitor_held_before_we_came_is_of_whom_it_says(tmp_path: Path) -> None:
    async def story() -> None:
        with SimulatedMonitor() as monitor:
            at = now() - 20 * SECOND
            monitor.publish({"heart_rate": 71.0}, at)
            monitor.publish({"oxygen_saturation": 97.0}, at + 10 * SECOND)
            admitted(monitor, "ben", at + 5 * SECOND)
            async with site(tmp_path, provider=monitor.address) as here:
                await here.until(lambda: here.values("ben", "oxygen_saturation") == [97.0])
                assert here.values("ben", "heart_rate") == []

    asyncio.run(story())


def test_values_of_a_bed_where_nobody_is_named(tmp_path: Path) -> None:
    async def story() -> None:
        with SimulatedMonitor() as monitor:
            async with site(tmp_path, provider=monitor.address, subject="urn:beds|7") as here:
                await here.until(lambda: here.state.listening)
                await show(monitor, heart_rate=71.0)
                await here.until(lambda: here.values("7", "heart_rate", "urn:beds") == [71.0])

    asyncio.run(story())


def test_a_simulator_is_not_a_patient_unless_the_site_says_so(tmp_path: Path) -> None:
    async def story() -> None:
        with SimulatedMonitor() as monitor:
            admitted(monitor, "ada", now() - SECOND)
            async with site(tmp_path, provider=monitor.address, demo=False) as here:
                await here.until(lambda: here.state.listening)
                await show(monitor, heart_rate=71.0)
                await here.until(lambda: here.state.counters["left out: mode Demo, not real"])
                assert here.subject("ada") is None

    asyncio.run(story())


def test_a_subscription_that_the_device_lost_without_a_word_is_noticed_and_made_again(tmp_path: Path) -> None:
    async def story() -> None:
        with SimulatedMonitor() as monitor:
            admitted(monitor, "ada", now() - SECOND)
            async with site(tmp_path, provider=monitor.address) as here:
                await here.until(lambda: here.state.listening)
                await show(monitor, heart_rate=71.0)
                await here.until(lambda: here.values("ada", "heart_rate"))
                monitor.forget_subscribers()
                await show(monitor, heart_rate=72.0)  # nobody is told
                await here.until(lambda: here.state.counters["reconnects"])
                assert "subscription" in here.state.trouble
                await here.until(lambda: here.values("ada", "heart_rate") == [71.0, 72.0])  # read at the connection
                await show(monitor, heart_rate=73.0)
                await here.until(lambda: here.values("ada", "heart_rate") == [71.0, 72.0, 73.0])

    asyncio.run(story())


def test_a_pulled_plug_makes_signals_stale_and_repeats_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        with SimulatedMonitor() as monitor:
            endpoint = monitor.endpoint
            admitted(monitor, "ada", now() - 60 * SECOND)
            async with site(tmp_path, provider=monitor.address) as here:
                await here.until(lambda: here.state.listening)
                at = await show(monitor, heart_rate=71.0, temperature=37.0)
                await here.until(lambda: here.values("ada", "heart_rate"))
                await asyncio.to_thread(monitor.stop, goodbye=False)
                await here.until(lambda: not here.state.listening)
                await here.until(lambda: here.events("ada", "signal_stale"))
                (stale,) = here.events("ada", "signal_stale")
                assert stale.body["code"]["code"] == "147842" and stale.stop is None
                assert abs(stale.effective - at) < 1000  # of its last determination; devices tell milliseconds
                assert here.state.counters["stale_now"] == 1  # the temperature has a longer limit
                assert here.values("ada", "heart_rate") == [71.0]
        assert endpoint

    asyncio.run(story())


def test_a_signal_that_stays_away_on_a_good_connection_is_stale_until_its_next_value(tmp_path: Path) -> None:
    async def story() -> None:
        with SimulatedMonitor() as monitor:
            admitted(monitor, "ada", now() - 60 * SECOND)
            async with site(tmp_path, provider=monitor.address) as here:
                await here.until(lambda: here.state.listening)
                first = await show(monitor, heart_rate=71.0)
                begin = now()
                while not here.events("ada", "signal_stale"):
                    await asyncio.to_thread(monitor.publish, {"heart_rate": 71.0}, first)  # says the old value again
                    await asyncio.sleep(0.1)
                    assert now() - begin < 10 * SECOND
                assert now() - begin > 2.5 * SECOND  # three of its periods of a second
                assert here.values("ada", "heart_rate") == [71.0]
                assert "stale" in here.state.trouble and here.state.listening
                await show(monitor, heart_rate=72.0)
                await here.until(lambda: here.events("ada", "signal_stale")[0].stop is not None)
                await here.until(lambda: here.state.counters["stale_now"] == 0)

    asyncio.run(story())


def test_a_chart_that_is_played_is_not_stale_after_an_hour_and_a_minute(tmp_path: Path) -> None:
    async def story() -> None:
        with replay.monitors(["ada"])["ada"] as monitor:
            admitted(monitor, "ada", now() - 7200 * SECOND)
            async with site(tmp_path, provider=monitor.address, expected_s=2 * replay.CHARTED_S) as here:
                await here.until(lambda: here.state.listening)
                await asyncio.to_thread(monitor.publish, {"heart_rate": 80.0}, now() - 3660 * SECOND)
                await here.until(lambda: here.values("ada", "heart_rate"))
                await asyncio.sleep(4.5)  # a monitor that says that it measures every second is stale after three
                assert here.state.counters["stale_now"] == 0 and not here.events("ada", "signal_stale")
                assert here.state.trouble == "", "nor is its clock wrong"

    asyncio.run(story())


def test_an_alarm_begins_and_ends_once_and_stays_with_whom_it_was_of(tmp_path: Path) -> None:
    async def story() -> None:
        with SimulatedMonitor() as monitor:
            admitted(monitor, "ada", now() - SECOND)
            async with site(tmp_path, provider=monitor.address) as here:
                await here.until(lambda: here.state.listening)
                begun = now()
                await asyncio.to_thread(monitor.alarm, "hr_high", True, begun)
                await here.until(lambda: here.events("ada", "device_alert"))
                await asyncio.to_thread(monitor.alarm, "hr_high", True, now(), "Ack")
                await here.until(lambda: here.events("ada", "device_alert")[0].body["signals"]["Aud"] == "Ack")
                await asyncio.to_thread(admitted, monitor, "ben", now())
                ended = now()
                await asyncio.to_thread(monitor.alarm, "hr_high", False, ended)
                await here.until(lambda: here.events("ada", "device_alert")[0].stop)
                (event,) = here.events("ada", "device_alert")
                assert (event.effective // 1000, event.stop // 1000) == (begun // 1000, ended // 1000)
                assert (event.body["priority"], event.body["kind"]) == ("high", "physiological")
                assert event.body["code"]["code"] == "heart-rate-high"
                assert here.events("ben", "device_alert") == []

    asyncio.run(story())


def test_who_was_erased_is_not_written_back_by_the_end_of_an_alarm(tmp_path: Path) -> None:
    async def story() -> None:
        with SimulatedMonitor() as monitor:
            admitted(monitor, "ada", now() - SECOND)
            async with site(tmp_path, provider=monitor.address) as here:
                await here.until(lambda: here.state.listening)
                await asyncio.to_thread(monitor.alarm, "hr_high", True, now())
                await here.until(lambda: here.events("ada", "device_alert"))
                await asyncio.to_thread(admitted, monitor, "ben", now())
                begun = now()
                await asyncio.to_thread(monitor.alarm, "probe_off", True, begun)
                await here.until(lambda: here.events("ben", "device_alert"))
                here.record.erase(operator(), here.subject("ada") or "", "request")
                await asyncio.to_thread(monitor.alarm, "hr_high", False, now())
                await asyncio.to_thread(monitor.alarm, "probe_off", False, now())
                await here.until(lambda: here.events("ben", "device_alert")[0].stop)  # it came after the other
                assert here.subject("ada") is None
                (event,) = here.events("ben", "device_alert")
                assert event.effective // 1000 == begun // 1000

    asyncio.run(story())


@pytest.mark.parametrize("wanted", [True, False])
def test_samples_are_kept_rounded_to_their_resolution_or_counted(tmp_path: Path, wanted: bool) -> None:
    samples = [90.0 + 30.0 * math.sin(i / 8) for i in range(125)]

    async def story() -> None:
        with SimulatedMonitor() as monitor:
            admitted(monitor, "ada", now() - SECOND)
            async with site(tmp_path, provider=monitor.address, waveforms=wanted) as here:
                await here.until(lambda: here.state.listening)
                at = now()
                await asyncio.to_thread(monitor.wave, samples, at)
                if not wanted:
                    await here.until(lambda: here.state.counters["left out: waveform block, not asked for"] == 1)
                    assert here.subject("ada") is None
                    return
                await here.until(lambda: here.events("ada", "waveform"))
                (block,) = here.events("ada", "waveform")
                assert block.body["values"] == pytest.approx(samples, abs=0.051)
                assert all(round(one, 1) == one for one in block.body["values"])
                assert (block.body["unit"], block.body["period_s"]) == ("mm[Hg]", 0.008)
                assert block.stop is not None and block.stop - block.effective == SECOND

    asyncio.run(story())


def certificates(folder: Path) -> str:
    """A folder with a key, a certificate and its authority, made anew."""
    ask = "openssl req -x509 -newkey rsa:2048 -nodes -keyout {0}/userkey.pem -out {0}/usercert.pem -days 2 -subj /CN=t"
    subprocess.run(ask.format(folder).split(), check=True, capture_output=True)
    (folder / "cacert.pem").write_bytes((folder / "usercert.pem").read_bytes())
    return str(folder)


def test_with_certificates_everything_is_encrypted_and_a_stranger_is_refused(tmp_path: Path) -> None:
    from caretwin.ingest.doors.sdc.session import tls_contexts

    ours, strange = tmp_path / "ours", tmp_path / "strange"
    ours.mkdir(), strange.mkdir()
    certificates(ours), certificates(strange)

    async def story() -> None:
        with SimulatedMonitor(tls=tls_contexts(ours)) as monitor:
            assert monitor.address.startswith("https://")
            admitted(monitor, "ada", now() - SECOND)
            async with site(tmp_path, provider=monitor.address, tls=str(ours)) as here:
                await here.until(lambda: here.state.listening)
                await show(monitor, heart_rate=71.0)
                await here.until(lambda: here.values("ada", "heart_rate") == [71.0])
            refused = await SdcDoor("icu", {**QUICK, "provider": monitor.address, "tls": str(strange)}).test()
            assert not refused.works and "certificate" in refused.sentence
        with SimulatedMonitor() as plain:  # who asked for certificates does not fall back to plain text
            assert not (await SdcDoor("icu", {**QUICK, "provider": plain.address, "tls": str(ours)}).test()).works

    asyncio.run(story())


def test_a_report_that_cannot_be_read_is_no_silent_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from caretwin.ingest.doors.sdc.feed import Feed

    take, spoiled = Feed.metrics, []

    def once_spoiled(feed: Feed, mdib: Any, said: Any) -> None:
        if not spoiled:
            spoiled.append(said)
            raise KeyError("something that a device left out")
        take(feed, mdib, said)

    monkeypatch.setattr(Feed, "metrics", once_spoiled)

    async def story() -> None:
        with SimulatedMonitor() as monitor:
            admitted(monitor, "ada", now() - SECOND)
            async with site(tmp_path, provider=monitor.address) as here:
                await here.until(lambda: here.state.listening)
                await show(monitor, heart_rate=71.0)
                await here.until(lambda: here.state.counters["reconnects"])
                assert "could not be read: KeyError" in here.state.trouble
                await here.until(lambda: here.values("ada", "heart_rate") == [71.0])

    asyncio.run(story())


def test_a_device_that_is_not_there_is_tried_again_and_said(tmp_path: Path) -> None:
    async def story() -> None:
        async with site(tmp_path, provider="http://127.0.0.1:9/none") as here:
            await here.until(lambda: here.state.counters["connect_failed"] >= 2)
            assert "Refused" in here.state.trouble and not here.state.listening
        found = await SdcDoor("icu", {"provider": "http://127.0.0.1:9/none"}).test()
        assert not found.works and "cannot be read" in found.sentence

    asyncio.run(story())


def test_a_schema_of_which_a_part_was_skipped_is_compiled_again() -> None:
    """Another thread parses, and libxml2 skips an import: a message that is right is then said to be invalid."""
    from lxml import etree

    from caretwin.ingest.doors.sdc.session import TRIES, _whole

    def schema(inner: str) -> Any:
        text = f'<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema">{inner}</x:schema>'
        return SimpleNamespace(_xml_schema=etree.XMLSchema(etree.fromstring(text)))

    half, whole = schema('<x:import namespace="urn:a" schemaLocation="http://nowhere.invalid/a.xsd"/>'), schema("")

    def consumer(reader: Any, factory: Any) -> Any:
        return SimpleNamespace(msg_reader=reader, msg_factory=factory)

    made = iter([consumer(half, whole), consumer(whole, half), good := consumer(whole, whole), consumer(whole, whole)])
    assert _whole(lambda: next(made)) is good
    bad = [consumer(half, half) for _ in range(TRIES)]
    left = iter(bad)
    assert _whole(lambda: next(left)) is bad[-1], "its error is told in words"


def test_an_error_of_the_library_about_a_message_is_told_in_words_and_without_values() -> None:
    from sdc11073.exceptions import ValidationError

    from caretwin.ingest.doors.sdc.session import words

    problem = ValidationError("document invalid", None)
    problem.__cause__ = ValueError("Element 'Name': 'Lovelace' is not a valid value")
    assert words(problem) == "ValidationError: document invalid: Element 'Name': what is said is not a valid value"
    assert words(ConnectionRefusedError("Refused")) == "ConnectionRefusedError: Refused"


def test_the_door_has_no_way_to_set_a_device() -> None:
    """The consumer is made without the services that set: a device offers them, and nothing of ours can call them."""
    from caretwin.ingest.doors.sdc.session import _components

    names = {one.__name__ for one in _components().service_handlers}
    assert names == {
        "GetServiceClient",
        "StateEventClient",
        "ContextServiceClient",
        "WaveformClient",
        "DescriptionEventClient",
    }
