"""The BACnet/IP door: temperature, carbon dioxide, energy and hot water of a building."""
