"""Where doors of one site listen: two at one port are found before either opens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from caretwin.base.errors import DataError

EVERYWHERE = frozenset({"", "0.0.0.0", "::"})
"""Addresses that stand for every address of the machine."""


class Port(NamedTuple):
    """A place to listen at: ``"tcp"`` or ``"udp"``, an address of this machine, and a number (0: any that is free)."""

    transport: str
    host: str
    number: int

    def meets(self, other: Port) -> bool:
        """Whether not both can be had.

        >>> Port("tcp", "0.0.0.0", 2575).meets(Port("tcp", "10.0.0.5", 2575))
        True
        """
        hosts = {_plain(self.host), _plain(other.host)}
        same = self.number == other.number != 0 and self.transport == other.transport
        return same and (len(hosts) == 1 or bool(hosts & EVERYWHERE))


def port_number(value: object, where: str) -> int:
    """A port of a door's settings. Raises DataError for a number that no port has.

    >>> port_number(2575, "door gateway (hl7v2)")
    2575
    """
    number = int(str(value))
    if not 0 <= number <= 65535:
        fix = "write one that is free into its section"
        raise DataError(where, seen=f"port = {number}", wanted="a port, 0 to 65535", fix=fix)
    return number


def ports_of(door: Any) -> tuple[Port, ...]:
    """Where a door will listen; none for one that does not say."""
    return tuple(getattr(door, "ports", ()))


def check_ports(doors: Mapping[str, Any]) -> None:
    """Raises DataError, with both names, where two doors want one port."""
    taken: list[tuple[str, Port]] = []
    for name, door in doors.items():
        for port in ports_of(door):
            _check(name, port, taken)
            taken.append((name, port))


def _check(name: str, port: Port, taken: Iterable[tuple[str, Port]]) -> None:
    for other, known in taken:
        if port.meets(known):
            raise DataError(
                f"doors {other} and {name}",
                seen=f"both at {port.transport} port {port.number} ({known.host or 'every address'},"
                f" {port.host or 'every address'})",
                wanted="a port for each",
                fix=f"give {name} another port, or let one of them listen at another address",
            )


def _plain(host: str) -> str:
    return "127.0.0.1" if host == "localhost" else host
