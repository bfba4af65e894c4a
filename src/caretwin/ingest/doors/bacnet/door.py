"""The building door: points of controllers over BACnet/IP, read and never written.

Standard: ANSI/ASHRAE 135-2020, annex J. Each controller is read in its own rhythm; a value that it marks as faulty or
out of service is absent, and so is every value of a controller that has stopped to answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from caretwin.base.errors import DataError
from caretwin.ingest.decoded import Decoded
from caretwin.ingest.door import Setting, Tested, Tier, given
from caretwin.ingest.doors.bacnet.client import NetworkTroubles, ReadingApplication, application, find, instance_at
from caretwin.ingest.doors.bacnet.client import objects as objects_of
from caretwin.ingest.doors.bacnet.decode import decode_answers
from caretwin.ingest.doors.bacnet.points import Device, read_points
from caretwin.ingest.doors.bacnet.poll import Poll
from caretwin.ingest.intake import Intake
from caretwin.ingest.pauses import rest
from caretwin.ingest.ports import Port

PORT = 47808
"""UDP port of BACnet/IP (annex J)."""
AGAIN_S = 10.0
"""s before a port of ours that is taken is tried again (assumed)."""


class BacnetDoor:
    """Points of a building's controllers.

    name  of the door; settings  see :attr:`settings`
    """

    kind, title, tier = "bacnet", "BACnet/IP: a building's controllers, read only", Tier.LOOPBACK
    settings = (
        Setting("points", "TOML file with the devices and their points (examples/bacnet_points.toml)", path=True),
        Setting("address", "address of this machine with its network, such as 192.168.1.5/24 or 192.168.1.5/24:47808"),
        Setting("instance", "our own instance number in the network: one that nobody else has", 4_190_000),
        Setting("ask", "address to ask for instance numbers in place of everybody (a router, a test)", ""),
    )

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        said = given(self.settings, settings)
        self.name, self.address, self.instance = name, str(said["address"]), int(said["instance"])
        self.ask = str(said["ask"])
        self.devices: Mapping[str, Device] = {device.name: device for device in read_points(said["points"])}

    @property
    def ports(self) -> tuple[Port, ...]:
        """Where it will listen."""
        host, _, port = self.address.partition(":")
        return (Port("udp", host.partition("/")[0], int(port) if port.isdigit() else PORT),)

    def decode(self, raw: bytes, media: str) -> Decoded:
        """See :class:`caretwin.ingest.door.Door`; raw: see :mod:`caretwin.ingest.doors.bacnet.decode`."""
        return decode_answers(raw, self.devices)

    async def test(self) -> Tested:
        """Ask every device for the list of its objects, and whether it has the points of the file."""
        try:
            async with application(self.address, self.instance) as app:
                found = [await self._look(app, device) for device in self.devices.values()]
        except DataError as problem:
            return Tested(False, f"{problem.where}: {problem.seen}; {problem.fix}")
        return Tested(all(one.works for one in found), "; ".join(one.sentence for one in found))

    async def _look(self, app: ReadingApplication, device: Device) -> Tested:
        try:
            address = device.address or await find(app, device.instance or 0, self.ask)
            instance = device.instance if device.instance is not None else await instance_at(app, address)
            if not address or instance is None:
                return Tested(False, f"{device.name} does not answer")
            listed = await objects_of(app, address, instance)
        except NetworkTroubles as problem:
            return Tested(False, f"{device.name} at {device.address or 'its address'}: {problem or 'no answer'}")
        wanted = [point.object for point in device.points]
        missing = [name for name in wanted if name not in listed]
        if missing:
            return Tested(False, f"{device.name} has no {', '.join(missing)}; it has {', '.join(listed[:20])}")
        return Tested(True, f"{device.name} answers: {len(wanted)} points of {len(listed)} objects")

    async def run(self, intake: Intake, stop: asyncio.Event) -> None:
        """See :class:`caretwin.ingest.door.Door`."""
        while not stop.is_set():
            try:
                async with application(self.address, self.instance) as app:
                    await self._read_all(app, intake, stop)
            except DataError as problem:
                intake.state.trouble = f"{problem.where}: {problem.seen}"
                await rest(stop, AGAIN_S)
            finally:
                intake.state.listening = ""

    async def _read_all(self, app: ReadingApplication, intake: Intake, stop: asyncio.Event) -> None:
        def changed() -> None:
            there = [poll.device.name for poll in polls if poll.answers]
            intake.state.listening = f"{len(there)} of {len(polls)} devices: {', '.join(there)}" if there else ""

        polls = [Poll(device, app, intake, changed, self.ask) for device in self.devices.values()]
        await asyncio.gather(*(poll.run(stop) for poll in polls))
