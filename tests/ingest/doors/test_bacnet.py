"""The building door against BACnet devices on the loopback interface: what is read, absent, and never sent."""

import asyncio
import json
import socket
from contextlib import asynccontextmanager

import pytest
from bacpypes3.ipv4.app import NormalApplication
from bacpypes3.local.analog import AnalogInputObject, AnalogValueObject
from bacpypes3.local.binary import BinaryInputObject
from bacpypes3.local.device import DeviceObject
from bacpypes3.pdu import Address, IPv4Address
from hypothesis import given
from hypothesis import strategies as st
from tests.ingest.doors.site import site, until
from tests.paths import ROOT

from caretwin.base.errors import DataError
from caretwin.base.units import parse
from caretwin.ingest.decoded import RefusedError
from caretwin.ingest.doors.bacnet.client import application
from caretwin.ingest.doors.bacnet.door import BacnetDoor
from caretwin.ingest.doors.bacnet.points import read_points
from caretwin.ingest.doors.bacnet.units import UCUM

ROOM = ("local:rooms", "elm-12")
NOON = 1_764_072_000_000_000


def free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Building:
    """A controller with a thermometer, a carbon dioxide sensor without a unit, a door contact, a return temperature."""

    def __init__(self):
        self.address = f"127.0.0.1:{free_udp_port()}"

    def _objects(self):
        usual = {"eventState": "normal", "outOfService": False, "statusFlags": [0, 0, 0, 0]}
        self.thermometer = AnalogInputObject(
            objectIdentifier=("analog-input", 1), objectName="t", presentValue=70.7, units="degreesFahrenheit",
            covIncrement=0.1, reliability="noFaultDetected", **usual,
        )  # fmt: skip
        self.gas = AnalogInputObject(
            objectIdentifier=("analog-input", 2), objectName="co2", presentValue=612.0, units="noUnits", **usual
        )
        self.contact = BinaryInputObject(
            objectIdentifier=("binary-input", 7), objectName="door", presentValue="active", polarity="normal", **usual
        )
        self.water = AnalogValueObject(
            objectIdentifier=("analog-value", 30), objectName="r", presentValue=55.0, units="degreesCelsius", **usual
        )
        return self.thermometer, self.gas, self.contact, self.water

    @asynccontextmanager
    async def open(self):
        device = DeviceObject(objectIdentifier=("device", 1201), objectName="east", vendorIdentifier=999)
        app = NormalApplication(device, IPv4Address(self.address))
        for one in self._objects():
            app.add_object(one)
        await asyncio.sleep(0.05)
        try:
            yield app
        finally:
            app.close()
            await asyncio.sleep(0.05)


@pytest.fixture
def building():
    return Building()


def door_to(building, folder, **changes):
    text = (ROOT / "examples/bacnet_points.toml").read_text()
    usual = {'"192.168.1.20"': f'"{building.address}"', "every = 60": "every = 0.1", "cov = true": "cov = false"}
    for before, after in (changes | {name: one for name, one in usual.items() if name not in changes}).items():
        text = text.replace(before, after)
    (folder / "points.toml").write_text(text)
    address = f"127.0.0.1:{free_udp_port()}"
    return BacnetDoor("plant", {"points": str(folder / "points.toml"), "address": address, "ask": building.address})


def live(one, do):
    """Run the door, do something, stop it."""

    async def both():
        stop = asyncio.Event()
        running = asyncio.create_task(one.intake.door.run(one.intake, stop))
        try:
            await do()
        finally:
            stop.set()
            await asyncio.wait_for(running, 20.0)

    asyncio.run(both())


@pytest.mark.service
def test_points_of_a_controller_stand_in_the_record_in_the_channels_units(building, tmp_path):
    with site(door_to(building, tmp_path), tmp_path) as one:

        async def look():
            async with building.open():
                await until(lambda: one.latest("local:plant", "elm-calorifier-return"), "all points")
                assert one.intake.state.listening == "1 of 1 devices: air handling east"

        live(one, look)
        room = one.latest(*ROOM)
        assert room["room_temperature"].value == pytest.approx(21.5)
        assert room["room_carbon_dioxide"].value == 612.0
        assert one.latest("local:rooms", "elm-hall")["door_open"].value == 1.0
        assert one.latest("local:plant", "elm-calorifier-return")["hot_water_temperature"].value == 55.0
        assert room["room_temperature"].source == "plant/air handling east/analog-input,1"
        assert one.intake.state.listening == ""


@pytest.mark.service
def test_what_is_out_of_service_or_faulty_is_absent_and_comes_back(building, tmp_path):
    with site(door_to(building, tmp_path), tmp_path) as one:

        def latest():
            return one.latest(*ROOM).get("room_temperature")

        async def look():
            async with building.open():
                await until(lambda: latest() and latest().value, "a value")
                building.thermometer.outOfService = True
                await until(lambda: latest().value is None, "out of service")
                assert latest().note["text"].startswith("out-of-service")
                building.thermometer.outOfService = False
                building.thermometer.reliability = "noSensor"
                await until(lambda: "no-sensor" in latest().note.get("text", ""), "the fault")
                assert latest().value is None
                building.thermometer.reliability = "noFaultDetected"
                await until(lambda: latest().value, "it is back")

        live(one, look)


@pytest.mark.service
def test_a_controller_that_stops_to_answer_leaves_absent_values_and_is_found_again(building, tmp_path, monkeypatch):
    monkeypatch.setattr("caretwin.ingest.doors.bacnet.client.TIMEOUT_MS", 100)
    with site(door_to(building, tmp_path), tmp_path) as one:

        def latest():
            return one.latest(*ROOM).get("room_temperature")

        async def look():
            async with building.open():
                await until(lambda: latest() and latest().value, "a value")
            await until(lambda: latest().value is None, "its silence")
            assert latest().note["absent"] == "temp-unknown"
            assert one.intake.state.listening == ""
            assert "does not answer" in one.intake.state.trouble
            async with building.open():
                await until(lambda: latest().value, "it is back")

        live(one, look)


@pytest.mark.service
def test_a_change_that_is_told_is_read_before_the_next_round(building, tmp_path):
    door = door_to(building, tmp_path, **{"every = 60": "every = 3600", "cov = true": "cov  = true"})
    with site(door, tmp_path) as one:

        async def look():
            async with building.open():
                await until(lambda: one.latest(*ROOM), "the first round")
                await asyncio.sleep(0.5)
                building.thermometer.presentValue = 80.6
                await until(lambda: one.values(*ROOM, "room_temperature")[-1] > 26.9, "the change")

        live(one, look)
        assert one.values(*ROOM, "room_temperature")[-1] == pytest.approx(27.0, abs=1e-4)


@pytest.mark.service
def test_a_device_is_found_by_its_number_alone(building, tmp_path):
    door = door_to(building, tmp_path, **{'address = "192.168.1.20"': ""})
    assert door.devices["air handling east"].address == ""
    with site(door, tmp_path) as one:

        async def look():
            async with building.open():
                await until(lambda: one.latest(*ROOM), "a value")

        live(one, look)


@pytest.mark.service
def test_the_test_of_the_connection_names_points_that_a_device_does_not_have(building, tmp_path):
    async def look(door):
        async with building.open():
            return await door.test()

    assert asyncio.run(look(door_to(building, tmp_path))) == (
        True, "air handling east answers: 4 points of 5 objects",
    )  # fmt: skip
    works, sentence = asyncio.run(look(door_to(building, tmp_path, **{"analog-input,2": "analog-input,9"})))
    assert not works
    assert "has no analog-input,9; it has device,1201, analog-input,1" in sentence


@pytest.mark.service
def test_an_object_that_is_not_there_takes_no_other_with_it(building, tmp_path):
    with site(door_to(building, tmp_path, **{"analog-input,2": "analog-input,9"}), tmp_path) as one:

        async def look():
            async with building.open():
                await until(lambda: one.latest(*ROOM), "a value")

        live(one, look)
        room = one.latest(*ROOM)
        assert room["room_temperature"].value
        assert room["room_carbon_dioxide"].value is None
        assert room["room_carbon_dioxide"].note["text"] == "unknown-object"


@pytest.mark.service
def test_nothing_can_be_written_to_a_building(building):
    async def write():
        async with building.open(), application(f"127.0.0.1:{free_udp_port()}", 4_190_000) as app:
            with pytest.raises(PermissionError, match="only reads"):
                await app.write_property(Address(building.address), "analog-value,30", "present-value", 90.0)

    asyncio.run(write())
    assert building.water.presentValue == 55.0


@pytest.fixture(scope="module")
def door(tmp_path_factory):
    return door_to(Building(), tmp_path_factory.mktemp("door"))


def said(door, **answer):
    answer = {"object": "analog-input,1", "value": 21.0, "units": "degrees-celsius", "flags": []} | answer
    raw = json.dumps({"device": "air handling east", "at": NOON, "answers": [answer]}).encode()
    (part,) = door.decode(raw, "bacnet").parts
    return part


def test_an_overridden_input_is_absent_and_an_overridden_output_counts(door):
    assert said(door, flags=["overridden"]).value is None
    value = said(door, object="analog-value,30", flags=["overridden"])
    assert (value.value, value.note) == (21.0, {"flags": "overridden"})


def test_a_value_in_alarm_is_a_value(door):
    assert said(door, flags=["in-alarm"]).value == 21.0


def test_a_unit_of_the_file_holds_over_the_one_of_the_object(door):
    assert said(door, object="analog-input,2", value=612, units="no-units").unit == "[ppm]"


def test_a_unit_that_nobody_knows_is_passed_on_by_its_name(door):
    assert said(door, units="tons-refrigeration").unit == "tons-refrigeration"


@pytest.mark.parametrize("code", sorted(set(UCUM.values())))
def test_every_unit_of_the_table_is_one(code):
    assert parse(code)


@given(
    st.binary(max_size=60)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["device", "at", "answers", "object", "value", "flags", "units"]), inner)
        ),
    ).map(lambda one: json.dumps(one).encode())
    | st.dictionaries(
        st.sampled_from(["object", "value", "flags", "units", "error", "reliability"]),
        st.sampled_from(["analog-input,1", "fault", [], ["fault"], None, 1e999, {}, True, -5]),
    ).map(lambda one: json.dumps({"device": "air handling east", "at": NOON, "answers": [one]}).encode())
)
def test_no_bytes_raise_anything_but_a_refusal(door, raw):
    try:
        door.decode(raw, "bacnet")
    except RefusedError:
        return


@pytest.mark.parametrize(
    "text, seen",
    [
        ('[[device]]\nname="a"\npoint=[]', "neither address nor instance"),
        ('[[device]]\nname="a"\naddress="x"\nevery=0\npoint=[]', "every = 0"),
        ('[[device]]\nname="a"\ninstance=5000000\npoint=[]', "instance = 5000000"),
        ('[[device]]\nname="a"\naddress="x"\npoint=[{object="AI1", code="battery"}]', "object = 'AI1'"),
        ('[[device]]\nname="a"\naddress="x"\npoint=[{object="analog-input,1", code="battery"}]', "no table"),
        ('[[device]]\nname="a"\naddress="x"\npoint=[]\n[[device]]\nname="a"\naddress="y"\npoint=[]', "two devices"),
    ],
    ids=lambda one: one[-30:],
)
def test_a_mistake_in_the_file_of_points_is_named(tmp_path, text, seen):
    (tmp_path / "points.toml").write_text(text)
    with pytest.raises(DataError) as caught:
        read_points(tmp_path / "points.toml")
    assert seen in caught.value.seen
