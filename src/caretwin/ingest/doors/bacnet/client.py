"""Reading over BACnet/IP: what may be asked of a controller, and the answers in plain words. Nothing is ever written.

Standard: ANSI/ASHRAE 135-2020, clause 15 (ReadProperty, ReadPropertyMultiple), 16.10 (Who-Is), 13.14 (SubscribeCOV).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from bacpypes3.apdu import (
    APDU,
    ErrorRejectAbortNack,
    IAmRequest,
    ReadPropertyMultipleRequest,
    ReadPropertyRequest,
    SubscribeCOVRequest,
    WhoIsRequest,
)
from bacpypes3.basetypes import ErrorType, StatusFlags
from bacpypes3.errors import ExecutionError
from bacpypes3.ipv4.app import NormalApplication
from bacpypes3.local.device import DeviceObject
from bacpypes3.pdu import Address, IPv4Address
from bacpypes3.primitivedata import ObjectIdentifier

from caretwin.base.errors import DataError

ASKED = ("present-value", "status-flags", "units", "reliability")
"""Properties of every point (clause 12); an object that has no units or reliability says so."""
MAY_SEND = (ReadPropertyRequest, ReadPropertyMultipleRequest, WhoIsRequest, IAmRequest, SubscribeCOVRequest)
TOGETHER = 15
"""Objects of one ReadPropertyMultiple: the answer fits into one packet of 1,476 bytes (assumed)."""
FLAGS = ("in-alarm", "fault", "overridden", "out-of-service")
"""Bits of BACnetStatusFlags in their order."""
VENDOR = 999
"""Vendor identifier 999 is that of examples in bacpypes3; we have none of our own."""
TIMEOUT_MS, RETRIES = 3000, 1
SETTLE_S = 0.01
"""s in which the event loop opens, and closes, the sockets of an application."""
NetworkTroubles = (ErrorRejectAbortNack, OSError, TimeoutError, ExecutionError)
"""What a request raises when it is refused or not answered; the first is no Exception."""


class ReadingApplication(NormalApplication):
    """A BACnet application that can only read: every other request is refused before it is sent."""

    def request(self, apdu: APDU) -> Any:
        """Send a request of those that change nothing. Raises PermissionError for any other."""
        if not isinstance(apdu, MAY_SEND):
            raise PermissionError(f"{type(apdu).__name__} may change a building: this door only reads")
        return super().request(apdu)

    async def do_WritePropertyRequest(self, apdu: APDU) -> None:
        """Nobody writes to us either."""
        raise ExecutionError(errorClass="property", errorCode="writeAccessDenied")

    async def do_WritePropertyMultipleRequest(self, apdu: APDU) -> None:
        """Nobody writes to us either."""
        raise ExecutionError(errorClass="property", errorCode="writeAccessDenied")


@asynccontextmanager
async def application(address: str, instance: int) -> AsyncIterator[ReadingApplication]:
    """An application at an address of this machine.

    Raises DataError where nothing can listen there.
    """
    device = DeviceObject(
        objectIdentifier=("device", instance), objectName="caretwin", vendorIdentifier=VENDOR,
        apduTimeout=TIMEOUT_MS, numberOfApduRetries=RETRIES,
    )  # fmt: skip
    try:
        made = ReadingApplication(device, IPv4Address(address))
    except (ValueError, OSError) as problem:
        wanted = "an address of this machine, such as 192.168.1.5/24 or 192.168.1.5/24:47808"
        fix = "look which addresses it has; only one program can listen at one"
        raise DataError(f"address {address}", seen=str(problem), wanted=wanted, fix=fix) from None
    await asyncio.sleep(SETTLE_S)
    try:
        yield made
    finally:
        made.close()
        await asyncio.sleep(SETTLE_S)


async def find(app: ReadingApplication, instance: int, where: str = "") -> str:
    """The address of a device by its instance number, "" when it does not answer.

    where  whom to ask; "" : everybody on this network
    """
    answers = await app.who_is(instance, instance, address=Address(where) if where else None, timeout=3)
    return str(answers[0].pduSource) if answers else ""


async def instance_at(app: ReadingApplication, address: str) -> int | None:
    """The instance number of the device at an address, None when it does not answer."""
    answers = await app.who_is(address=Address(address), timeout=3)
    return int(answers[0].iAmDeviceIdentifier[1]) if answers else None


async def objects(app: ReadingApplication, address: str, instance: int) -> list[str]:
    """All objects of a device, one by one where it cannot send its list in one piece."""
    device, where = ObjectIdentifier(("device", instance)), Address(address)
    try:
        found = await app.read_property(where, device, "object-list")
    except ErrorRejectAbortNack:
        count = int(await app.read_property(where, device, "object-list", 0))
        found = [await app.read_property(where, device, "object-list", i + 1) for i in range(count)]
    return [f"{kind},{number}" for kind, number in found]


async def read(app: ReadingApplication, address: str, names: Sequence[str]) -> list[dict[str, Any]]:
    """What points say now: ``object``, ``value``, ``units``, ``flags``, ``reliability``, or ``error``.

    Raises one of :data:`NetworkTroubles` when the device does not answer.
    """
    found = list[dict[str, Any]]()
    for i in range(0, len(names), TOGETHER):
        some = names[i : i + TOGETHER]
        try:
            found += await _together(app, address, some)
        except ErrorRejectAbortNack as problem:
            if silent(problem):
                raise
            found += [await _alone(app, address, name) for name in some]  # it knows no ReadPropertyMultiple
    return found


def silent(problem: BaseException) -> bool:
    """Whether a request had no answer at all, in place of one that refuses it."""
    return not isinstance(problem, ErrorRejectAbortNack) or str(problem) == "no-response"


async def _together(app: ReadingApplication, address: str, names: Sequence[str]) -> list[dict[str, Any]]:
    wanted = list[Any]()
    for name in names:
        wanted += [ObjectIdentifier(name), list(ASKED)]
    answers = await app.read_property_multiple(Address(address), wanted)
    if isinstance(answers, ErrorRejectAbortNack):
        raise answers
    found: dict[str, dict[str, Any]] = {name: {} for name in names}
    for identifier, name, _, value in answers or ():
        found.setdefault(f"{identifier[0]},{identifier[1]}", {})[str(name)] = value
    return [_plain(name, properties) for name, properties in found.items()]


async def _alone(app: ReadingApplication, address: str, name: str) -> dict[str, Any]:
    properties = dict[str, Any]()
    for one in ASKED:
        try:
            properties[one] = await app.read_property(Address(address), ObjectIdentifier(name), one)
        except ErrorRejectAbortNack as problem:
            if silent(problem):
                raise
            properties[one] = problem
    return _plain(name, properties)


def _plain(name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """A point's answer as JSON can say it."""
    value = properties.get("present-value")
    if value is None or isinstance(value, ErrorType | ErrorRejectAbortNack):
        error = f"{value.errorCode}" if isinstance(value, ErrorType) else str(value or "no present value")
        return {"object": name, "error": error}
    plain = float(value) if isinstance(value, float) else int(value) if type(value).__name__ == "Unsigned" else None
    flags = properties.get("status-flags")
    bits = list(flags) if isinstance(flags, StatusFlags) else []
    said: dict[str, Any] = {"object": name, "value": str(value) if plain is None else plain}
    said["flags"] = [flag for flag, bit in zip(FLAGS, bits, strict=False) if bit]
    for one in ("units", "reliability"):
        if one in properties and not isinstance(properties[one], ErrorType | ErrorRejectAbortNack):
            said[one] = str(properties[one])
    return said
