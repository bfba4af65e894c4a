"""What Home Assistant's device classes mean here, and in which units each may come.

Source: Home Assistant developer documentation, "Sensor entity" and "Binary sensor entity", available device classes
with their units; MQTT discovery, "Supported abbreviations in MQTT discovery messages". A unit that a class may not have
is a mistake of the integration (carbon dioxide in percent was seen): such an entity is listed, not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Class(NamedTuple):
    """A device class: the channel of a place that it is, and the UCUM code of each unit that it may have."""

    channel: str
    units: Mapping[str, str]


_POWER = {"mW": "mW", "W": "W", "kW": "kW", "MW": "MW"}
_ENERGY = {"Wh": "W.h", "kWh": "kW.h", "MWh": "MW.h", "J": "J", "kJ": "kJ", "MJ": "MJ"}
SENSORS: Mapping[str, Class] = {
    "temperature": Class("room_temperature", {"°C": "Cel", "°F": "[degF]", "K": "K"}),
    "humidity": Class("room_humidity", {"%": "%"}),
    "carbon_dioxide": Class("room_carbon_dioxide", {"ppm": "[ppm]"}),
    "illuminance": Class("illuminance", {"lx": "lx"}),
    "energy": Class("electric_energy", _ENERGY),
    "power": Class("electric_power", _POWER),
    "gas": Class("gas_volume", {"m³": "m3", "ft³": "[ft_i]3", "L": "L"}),
    "battery": Class("battery", {"%": "%"}),
}
"""Of ``sensor``; any other class is kept as it came, under a code of its own, until somebody maps it."""
BINARY: Mapping[str, str] = {
    "motion": "motion",
    "occupancy": "motion",  # a sensor that sees whether anybody moves; how many people there are is another channel
    "door": "door_open",
    "garage_door": "door_open",
    "opening": "door_open",
}
"""Of ``binary_sensor``: on is 1."""
METERS = frozenset({"energy", "gas"})
"""Classes whose channels are meter readings: a state class "measurement" is something else."""
SPELLINGS: Mapping[str, str] = {
    "°C": "Cel", "°F": "[degF]", "ppm": "[ppm]", "ppb": "[ppb]", "Wh": "W.h", "kWh": "kW.h", "MWh": "MW.h",
    "m³": "m3", "m³/h": "m3/h", "µg/m³": "ug/m3", "μg/m³": "ug/m3", "dB": "dB", "lqi": "1",
}  # fmt: skip
"""Units of entities without a known class, where UCUM writes them in another way."""
ABBREVIATIONS: Mapping[str, str] = {
    "avty": "availability", "avty_mode": "availability_mode", "avty_t": "availability_topic",
    "avty_tpl": "availability_template", "cmps": "components", "dev": "device", "dev_cla": "device_class",
    "exp_aft": "expire_after", "ic": "icon", "o": "origin", "obj_id": "object_id", "p": "platform",
    "pl_avail": "payload_available", "pl_not_avail": "payload_not_available", "pl_off": "payload_off",
    "pl_on": "payload_on", "stat_cla": "state_class", "stat_t": "state_topic", "t": "topic",
    "uniq_id": "unique_id", "unit_of_meas": "unit_of_measurement", "val_tpl": "value_template",
}  # fmt: skip
DEVICE_ABBREVIATIONS: Mapping[str, str] = {
    "ids": "identifiers", "cns": "connections", "mf": "manufacturer", "mdl": "model", "sa": "suggested_area",
    "sn": "serial_number",
}  # fmt: skip
