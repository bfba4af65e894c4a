"""Devices that announce themselves to Home Assistant: what is read of them, and what is honestly not."""

import json

import pytest

from caretwin.ingest.decoded import RefusedError
from caretwin.ingest.doors.mqtt.door import MqttDoor
from caretwin.ingest.doors.mqtt.media import Arrival, media_of

NOON = 1_764_072_000_000_000
ROOMS = """
area_system = "local:areas"
[[device]]
is = "bed sensor 3"
subject = { system = "local:residents", value = "R12", kind = "resident" }
channels = { occupancy = "bed_occupied" }
"""
ZIGBEE = {
    "name": "Temperature",
    "unique_id": "0x0015_temperature",
    "device": {"identifiers": ["zigbee2mqtt_0x0015"], "name": "climate 12", "suggested_area": "Room 12"},
    "device_class": "temperature",
    "unit_of_measurement": "°C",
    "state_class": "measurement",
    "state_topic": "zigbee2mqtt/climate 12",
    "value_template": "{{ value_json.temperature }}",
    "availability": [
        {"topic": "zigbee2mqtt/bridge/state", "value_template": "{{ value_json.state }}"},
        {"topic": "zigbee2mqtt/climate 12/availability", "value_template": "{{ value_json.state }}"},
    ],
}


class House:
    """A door to which devices announce themselves."""

    def __init__(self, folder):
        (folder / "rooms.toml").write_text(ROOMS)
        settings = {"url": "mqtt://x", "discovery": "homeassistant", "rooms": str(folder / "rooms.toml")}
        self.door = MqttDoor("home", settings)

    def announce(self, config, component="sensor", node="0x0015/temperature"):
        return self.says(f"homeassistant/{component}/{node}/config", config)

    def says(self, topic, payload, **flags):
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return self.door.decode(raw, media_of(Arrival(topic, NOON, **flags)))

    @property
    def reasons(self):
        return list(self.door.home.not_understood.values())


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def test_an_announced_thermometer_is_the_temperature_of_its_area(house):
    house.announce(ZIGBEE)
    assert "zigbee2mqtt/climate 12" in house.door.topics
    (part,) = house.says("zigbee2mqtt/climate 12", {"temperature": 21.3, "linkquality": 80}).parts
    assert (part.codes[0].code, part.value, part.unit, part.effective) == ("room_temperature", 21.3, "Cel", NOON)
    assert part.subject.identifiers[0] == ("local:areas", "Room 12")
    assert part.device == "0x0015_temperature"


def test_a_time_within_the_state_is_when_it_was_true(house):
    house.announce(ZIGBEE)
    (part,) = house.says("zigbee2mqtt/climate 12", {"temperature": 21.3, "last_seen": NOON // 1000 - 60_000}).parts
    assert part.effective == NOON - 60_000_000


def test_carbon_dioxide_in_percent_is_listed_and_not_read(house):
    config = {**ZIGBEE, "device_class": "carbon_dioxide", "unit_of_measurement": "%"}
    house.announce(config)
    assert house.reasons == ["carbon_dioxide in %: it comes in ppm; mend the integration"]
    assert house.says("zigbee2mqtt/climate 12", {"temperature": 612}).parts == ()


@pytest.mark.parametrize(
    "template",
    [
        "{{ value_json.temperature | float + 2 }}", "{{ value_json.a if value_json.a else 0 }}", "{{ now() }}",
        "{% if value == 'x' %}1{% endif %}", "{{ value_json }}", 3,
    ],
    ids=str,
)  # fmt: skip
def test_a_template_that_computes_is_listed_and_never_run(house, template):
    house.announce({**ZIGBEE, "value_template": template})
    assert "a template that does more" in house.reasons[0]
    assert house.door.home.entities == []


@pytest.mark.parametrize(
    "template, payload",
    [
        ("{{value_json.a.b}}", {"a": {"b": 5}}), ("{{ value_json['a b'].c }}", {"a b": {"c": 5}}),
        ("{{ value_json.a[1] }}", {"a": [4, 5]}), ("{{ value }}", 5),
        (None, 5), ('{{ value_json["x/y"] }}', {"x/y": 5}),
    ],
    ids=str,
)  # fmt: skip
def test_a_template_that_fetches_a_field_is_read(house, template, payload):
    house.announce({**ZIGBEE, "value_template": template})
    (part,) = house.says("zigbee2mqtt/climate 12", payload).parts
    assert part.value == 5.0


def test_a_device_of_a_person_is_about_the_person_and_its_room_class_is_not_guessed(house):
    bed = {
        "unique_id": "bed3", "device_class": "occupancy", "state_topic": "bed/3", "device": {"name": "bed sensor 3"},
        "payload_on": True, "payload_off": False, "value_template": "{{ value_json.occupied }}",
    }  # fmt: skip
    house.announce(bed, "binary_sensor", "bed3")
    (part,) = house.says("bed/3", {"occupied": True}).parts
    assert (part.codes[0], part.value) == (("caretwin", "bed_occupied", ""), 1.0)
    assert part.subject.identifiers[0] == ("local:residents", "R12")
    warm = {**ZIGBEE, "device": {"name": "bed sensor 3"}, "unique_id": "bed3_t", "state_topic": "bed/3/t"}
    house.announce({**warm, "value_template": None})
    (part,) = house.says("bed/3/t", 30.0).parts
    assert part.codes[0][:2] == ("local:homeassistant", "sensor.temperature")  # not a body's, not a room's


def test_a_device_without_a_place_is_listed(house):
    house.announce({**ZIGBEE, "device": {"name": "somewhere"}})
    assert "in which room" in house.reasons[0]


def test_short_names_and_a_base_topic_are_written_out(house):
    esp = {
        "~": "esp/3", "uniq_id": "esp3-m", "dev_cla": "motion", "stat_t": "~/motion/state",
        "avty": [{"t": "~/status"}], "dev": {"ids": "esp3", "sa": "Hall"},
    }  # fmt: skip
    house.announce(esp, "binary_sensor", "esp3")
    assert {"esp/3/motion/state", "esp/3/status"} <= house.door.topics
    (part,) = house.says("esp/3/motion/state", b"ON").parts
    assert (part.codes[0].code, part.value) == ("motion", 1.0)
    with pytest.raises(RefusedError, match="neither payload_on nor payload_off"):
        house.says("esp/3/motion/state", b"MAYBE")


def test_one_announcement_of_a_device_with_its_components(house):
    device = {
        "dev": {"ids": "m1", "sa": "Plant"}, "o": {"name": "x"}, "stat_t": "meter/1",
        "cmps": {
            "e": {"p": "sensor", "dev_cla": "energy", "unit_of_meas": "kWh", "stat_cla": "total_increasing",
                  "val_tpl": "{{ value_json.e }}", "uniq_id": "m1e"},
            "d": {"p": "sensor", "dev_cla": "energy", "unit_of_meas": "kWh", "stat_cla": "measurement",
                  "val_tpl": "{{ value_json.d }}", "uniq_id": "m1d"},
            "l": {"p": "light", "uniq_id": "m1l"},
        },
    }  # fmt: skip
    house.announce(device, "device", "m1")
    found = house.says("meter/1", {"e": 12.5, "d": 3.0}).parts
    assert [(part.codes[0].code, part.value) for part in found] == [("electric_energy", 12.5), ("sensor.energy", 3.0)]
    assert house.reasons == ["component light: only sensors are read"]


def test_a_device_that_goes_leaves_an_absent_value_and_no_last_one(house):
    house.announce(ZIGBEE)
    (part,) = house.says("zigbee2mqtt/bridge/state", {"state": "offline"}).parts
    assert part.value is None
    assert part.note["absent"] == "temp-unknown"
    assert house.says("zigbee2mqtt/bridge/state", {"state": "online"}).parts == ()


def test_an_announcement_is_replaced_by_the_next_and_taken_back_by_an_empty_one(house):
    house.announce({**ZIGBEE, "value_template": "{{ now() }}"})
    house.announce(ZIGBEE)
    assert house.reasons == []
    assert len(house.door.home.entities) == 1
    house.says("homeassistant/sensor/0x0015/temperature/config", b"")
    assert house.door.home.entities == []


def test_a_retained_state_is_not_read_as_the_state_of_now(house):
    house.announce(ZIGBEE)
    assert house.says("zigbee2mqtt/climate 12", {"temperature": 21.3}, retained=True).parts == ()
