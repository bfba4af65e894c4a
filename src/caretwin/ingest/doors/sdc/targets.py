"""Which SDC devices the settings mean, how they are reached, and whether they answer."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from caretwin.base.counted import counted
from caretwin.ingest.door import Tested
from caretwin.ingest.doors.sdc.feed import Feed
from caretwin.ingest.doors.sdc.place import inside, of_scopes
from caretwin.ingest.doors.sdc.report import Report
from caretwin.ingest.doors.sdc.session import Connect, Session, tls_contexts
from caretwin.ingest.doors.sdc.settings import Choice

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # the library warns of itself: commlog
    from sdc11073.wsdiscovery import WSDiscovery

ANY = "*"


class Found(NamedTuple):
    """A device that answered: its endpoint reference, its address, and where it says it stands."""

    endpoint: str
    address: str
    location: Mapping[str, str]


def search(interface: str, seconds: float) -> list[Found]:
    """All SDC devices that answer within ``seconds`` on the network of this interface (an IPv4 address of ours).

    Raises OSError where the interface is none of ours, or takes no part in multicast.
    """
    with WSDiscovery(interface) as discovery:
        services = discovery.search_sdc_services(timeout=seconds, repeat_probe_interval=1)
    return [
        Found(one.epr, one.x_addrs[0], of_scopes(one.scopes.text if one.scopes is not None else ()))
        for one in services
        if one.x_addrs
    ]


def chosen(found: Sequence[Found], wish: Choice) -> list[Found]:
    """Those that a site wants: named by their endpoint reference (``"*"`` is all), or standing inside the location."""
    named = frozenset(wish.endpoints)
    return [one for one in found if ANY in named or one.endpoint in named or inside(one.location, wish.location)]


def targets(wish: Choice) -> dict[str, str]:
    """Addresses of the devices that are wanted and there, by endpoint reference. Raises OSError."""
    if wish.provider:
        return {wish.provider: wish.provider}
    return {one.endpoint: one.address for one in chosen(search(wish.interface, wish.answer_s), wish)}


def way(wish: Choice, address: str) -> Connect:
    """How to reach a device. Raises OSError and ssl.SSLError for certificates that are missing or unreadable."""
    return Connect(address, tls_contexts(wish.tls) if wish.tls else None, wish.validate)


def test(wish: Choice) -> Tested:
    """Connect to each chosen device, look what it measures, and leave."""
    try:
        there = [] if wish.provider else search(wish.interface, wish.answer_s)
    except OSError as problem:
        return Tested(False, f"the search on {wish.interface} failed: {problem}")
    wanted = (
        {wish.provider: wish.provider} if wish.provider else {one.endpoint: one.address for one in chosen(there, wish)}
    )
    if not wanted:
        names = ", ".join(one.endpoint for one in there) or "none"
        return Tested(False, f"no wanted device answered; devices on this network: {names}")
    tried = [_visit(wish, name, address) for name, address in wanted.items()]
    return Tested(all(one.works for one in tried), "; ".join(one.sentence for one in tried))


def _visit(wish: Choice, name: str, address: str) -> Tested:
    seen: list[Report] = []
    try:
        session = Session.open(way(wish, address), lambda provider: Feed(provider, lambda: 0, 1.0, _keep_in(seen)))
    except ssl.SSLError as problem:
        return Tested(False, f"{name}: the certificates do not fit: {problem.reason}")
    except Exception as problem:  # a device can be out of order in any way
        return Tested(False, f"{name} cannot be read: {type(problem).__name__}: {str(problem)[:200]}")
    session.close()
    values = sum(len(report.metrics) for report in seen)
    who = "a patient is associated" if session.feed.associated() else "no patient is associated"
    return Tested(True, f"{session.feed.provider} answers and shows {counted(values, 'value')}; {who}")


def _keep_in(seen: list[Report]) -> Callable[[Report, bool], object]:
    return lambda report, _: seen.append(report)
