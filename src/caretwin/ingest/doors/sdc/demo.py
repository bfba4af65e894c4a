"""A simulated monitor to try the SDC door with: ``python -m caretwin.ingest.doors.sdc.demo``. Loopback only.

It shows a made-up resting adult once a second until it is interrupted; nothing of it was measured on anybody.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Mapping

from caretwin.ingest.doors.sdc.provider import LOOPBACK, SimulatedMonitor

ENDPOINT = "urn:uuid:5d0c5000-0000-4000-8000-000000000001"
PATIENT = ("urn:caretwin:simulator:patient", "demo-1")
REST: Mapping[str, float] = {
    "heart_rate": 72.0,
    "oxygen_saturation": 97.0,
    "respiratory_rate": 14.0,
    "systolic_pressure": 122.0,
    "diastolic_pressure": 71.0,
    "mean_arterial_pressure": 88.0,
    "central_venous_pressure": 6.0,
    "temperature": 36.8,
}
"""Values of a resting adult, in the record's units (made up)."""


def shown(second: int) -> dict[str, float]:
    """What it shows in a second: around rest, by up to 2 %, in waves of a minute."""
    wave = 1.0 + 0.02 * math.sin(2.0 * math.pi * second / 60.0)
    return {name: value if name == "temperature" else value * wave for name, value in REST.items()}


def main() -> None:
    """Show values until interrupted."""
    with SimulatedMonitor(ENDPOINT, {"fac": "demo", "bed": "1"}, discoverable=True) as monitor:
        monitor.admit([PATIENT], time.time_ns() // 1000)
        print(f"a SIMULATED monitor is at {monitor.address}")
        print(f'or, by search: interface = "{LOOPBACK}", endpoints = ["{ENDPOINT}"]; stop it with Ctrl-C', flush=True)
        for second in itertools.count():
            monitor.publish(shown(second), time.time_ns() // 1000)
            time.sleep(1.0)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("switched off")
