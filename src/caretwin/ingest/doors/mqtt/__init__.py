"""The MQTT door: sensors and wearables, by a mapping or by Home Assistant discovery."""
