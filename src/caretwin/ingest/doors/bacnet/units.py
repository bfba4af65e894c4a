"""Engineering units of BACnet as UCUM writes them.

Source: ANSI/ASHRAE Standard 135-2020, clause 21, production BACnetEngineeringUnits; the UCUM codes are ours. A unit
that is not here is passed on by its BACnet name and refused where a unit is needed: nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping

UCUM: Mapping[str, str] = {
    # temperature, humidity, air
    "degrees-celsius": "Cel", "degrees-fahrenheit": "[degF]", "degrees-kelvin": "K", "delta-degrees-kelvin": "K",
    "percent-relative-humidity": "%", "grams-of-water-per-kilogram-dry-air": "g/kg", "percent": "%",
    "parts-per-million": "[ppm]", "parts-per-billion": "[ppb]", "micrograms-per-cubic-meter": "ug/m3",
    "milligrams-per-cubic-meter": "mg/m3",
    # electricity and heat
    "milliwatts": "mW", "watts": "W", "kilowatts": "kW", "megawatts": "MW", "watt-hours": "W.h",
    "kilowatt-hours": "kW.h", "megawatt-hours": "MW.h", "joules": "J", "kilojoules": "kJ", "megajoules": "MJ",
    "milliamperes": "mA", "amperes": "A", "millivolts": "mV", "volts": "V", "kilovolts": "kV", "hertz": "Hz",
    "volt-amperes": "V.A", "power-factor": "1", "btus": "[Btu_IT]",
    # pressure
    "pascals": "Pa", "hectopascals": "hPa", "kilopascals": "kPa", "bars": "bar", "millibars": "mbar",
    "pounds-force-per-square-inch": "[psi]", "centimeters-of-water": "cm[H2O]", "millimeters-of-mercury": "mm[Hg]",
    "inches-of-water": "[in_i'H2O]",
    # volume, mass, and their flows
    "liters": "L", "milliliters": "mL", "cubic-meters": "m3", "cubic-feet": "[ft_i]3", "us-gallons": "[gal_us]",
    "imperial-gallons": "[gal_br]", "liters-per-second": "L/s", "liters-per-minute": "L/min",
    "liters-per-hour": "L/h", "cubic-meters-per-second": "m3/s", "cubic-meters-per-minute": "m3/min",
    "cubic-meters-per-hour": "m3/h", "cubic-feet-per-minute": "[ft_i]3/min", "kilograms-per-second": "kg/s",
    "grams": "g", "kilograms": "kg", "tons": "t",
    # length, speed, light, time
    "millimeters": "mm", "centimeters": "cm", "meters": "m", "feet": "[ft_i]", "square-meters": "m2",
    "meters-per-second": "m/s", "feet-per-minute": "[ft_i]/min", "luxes": "lx", "lumens": "lm",
    "milliseconds": "ms", "seconds": "s", "minutes": "min", "hours": "h", "days": "d", "per-second": "/s",
    "per-minute": "/min", "per-hour": "/h", "revolutions-per-minute": "/min",
    # none
    "no-units": "1",
}  # fmt: skip


def ucum_of(name: str) -> str:
    """The UCUM code of an engineering unit; its own name where we know none.

    >>> ucum_of("degrees-celsius"), ucum_of("tons-refrigeration")
    ('Cel', 'tons-refrigeration')
    """
    return UCUM.get(name, name)
