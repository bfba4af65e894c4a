"""The listening side of DICOM: a storage SCP for CT that answers success when a slice is on the disk, and not before.

Associations run in threads of their own (pynetdicom); what they do to the door's state is handed to its event loop.
Source: DICOM PS3.4, annex A (verification) and B (storage); statuses PS3.7, annex C, and PS3.4, table B.2-1.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, NamedTuple

from caretwin.ingest.dicom.files import CT_IMAGE, ENHANCED_CT, pydicom_module
from caretwin.ingest.doors.hl7v2.server import Network, allowed

SUCCESS, OUT_OF_RESOURCES, NO_MATCH, NOT_SUPPORTED = 0x0000, 0xA700, 0xA900, 0x0122
TAKEN = (CT_IMAGE, *ENHANCED_CT)
"""SOP classes that are kept: CT, enhanced CT and legacy converted enhanced CT."""
PATIENCE_S = 30.0
"""s within which a connection must ask for an association, and an answer must be read (assumed)."""


@dataclass(frozen=True)
class Listening:
    """Where and how to listen.

    title         this side's AE title, which a sender must name; callers  AE titles that may send
    allow         networks whose hosts may connect
    most_bytes    of one object; silence_s  s without a message after which an association is ended
    associations  how many at once
    """

    host: str
    port: int
    title: str
    callers: tuple[str, ...]
    allow: tuple[Network, ...]
    most_bytes: int
    silence_s: float
    associations: int


class Heard(NamedTuple):
    """A slice as it came: the bytes of a DICOM file, of which series and instance, over which association."""

    raw: bytes
    series: str
    instance: str
    association: int


@dataclass(frozen=True)
class Hearing:
    """What the listener tells the door; called in other threads.

    keep   keeps a slice, True when it is on the disk; ended  an association is over (its number, whether released)
    count  something happened, by name; trouble  something is wrong, in words without identifiers
    """

    keep: Callable[[Heard], bool]
    ended: Callable[[int, bool], None]
    count: Callable[[str], None]
    trouble: Callable[[str], None]


class Listener:
    """A storage SCP. Make it, :meth:`start` it, :meth:`stop` it; both block shortly."""

    def __init__(self, how: Listening, hearing: Hearing) -> None:
        self._how, self._hearing = how, hearing
        self._server: Any = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port: that which the system chose, where 0 was wanted."""
        return int(self._server.server_address[1]) if self._server is not None else 0

    def start(self) -> None:
        """Listen. Raises OSError where the port cannot be had."""
        logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)  # its words quote what people are called
        ae = _entity(self._how)
        self._server = ae.make_server(
            (self._how.host, self._how.port), evt_handlers=self._handlers(), server_class=_server_class(),
            peers=self._how.allow, hearing=self._hearing,
        )  # fmt: skip
        ae._servers.append(self._server)  # as start_server does, which knows no class of ours
        serve = self._server.serve_forever
        self._thread = threading.Thread(target=serve, args=(0.05,), name="dicom-listener", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the associations and stop listening; a slice that is being kept is kept and answered first."""
        if self._server is None or self._thread is None:
            return
        open_ = self._server.active_associations
        self._server.shutdown()
        for association in open_:
            association.abort()
        for association in open_:
            association.join(PATIENCE_S)
        self._thread.join(PATIENCE_S)

    def _handlers(self) -> list[tuple[Any, ...]]:
        from pynetdicom import evt

        return [
            (evt.EVT_ACCEPTED, lambda event: self._hearing.count("associations")),
            (evt.EVT_REJECTED, lambda event: self._rejected()),
            (evt.EVT_RELEASED, lambda event: self._hearing.ended(id(event.assoc), True)),
            (evt.EVT_ABORTED, lambda event: self._hearing.ended(id(event.assoc), False)),
            (evt.EVT_CONN_CLOSE, lambda event: self._hearing.ended(id(event.assoc), False)),
            (evt.EVT_C_ECHO, lambda event: self._echoed()),
            (evt.EVT_C_STORE, self._stored),
        ]

    def _rejected(self) -> None:
        self._hearing.count("denied")
        self._hearing.trouble("an association was rejected: the calling AE title is not in callers, the called one is"
                              " another, or too many are open")  # fmt: skip

    def _echoed(self) -> int:
        self._hearing.count("echoes")
        return SUCCESS

    def _stored(self, event: Any) -> int:
        """The status of a C-STORE."""
        try:
            return self._store(event)
        except Exception as problem:  # whatever it was, the slice is not kept: the sender is told so
            self._hearing.trouble(f"a slice could not be kept: {type(problem).__name__}")
            self._hearing.count("failed")
            return OUT_OF_RESOURCES

    def _store(self, event: Any) -> int:
        if event.request.AffectedSOPClassUID not in TAKEN:
            self._hearing.count("not CT")
            return NOT_SUPPORTED
        raw = event.encoded_dataset()
        if len(raw) > self._how.most_bytes:
            self._hearing.count("too long")
            self._hearing.trouble(f"a slice of more than {self._how.most_bytes} bytes was not kept: raise most_bytes")
            return OUT_OF_RESOURCES
        names = names_of(raw)
        if names is None:
            self._hearing.count("not CT")
            return NO_MATCH
        if not self._hearing.keep(Heard(raw, *names, id(event.assoc))):
            return OUT_OF_RESOURCES
        return SUCCESS


def names_of(raw: bytes) -> tuple[str, str] | None:
    """Series and instance of a CT image; None for what is none, or does not say them."""
    pydicom = pydicom_module()
    tags = ["SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "Modality"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            data = pydicom.dcmread(BytesIO(raw), stop_before_pixels=True, specific_tags=tags)
            found = [str(data.get(name) or "").strip() for name in tags]
        except Exception:  # a damaged file can fail in any way
            return None
    kind, instance, series, modality = found
    good = kind in TAKEN and instance and series and modality in ("", "CT")
    return (series, instance) if good else None


def _entity(how: Listening) -> Any:
    """The application entity: every kind of storage can be negotiated, so that what is refused is told by a status."""
    from pynetdicom import AE, AllStoragePresentationContexts, build_context
    from pynetdicom.sop_class import Verification

    ae = AE(ae_title=how.title)
    ae.require_called_aet = True
    ae.require_calling_aet = list(how.callers)
    ae.maximum_associations = how.associations
    ae.acse_timeout = ae.dimse_timeout = PATIENCE_S
    ae.network_timeout = how.silence_s
    ae.add_supported_context(Verification)
    known = {context.abstract_syntax for context in AllStoragePresentationContexts}
    for kind in sorted(known | set(TAKEN), key=str):
        syntaxes = _syntaxes() if kind in TAKEN else build_context(kind).transfer_syntax
        ae.add_supported_context(kind, syntaxes)
    return ae


def _syntaxes() -> list[str]:
    """Transfer syntaxes of CT that are kept as they come; whether a decoder is there is seen when they are read."""
    from pynetdicom import ALL_TRANSFER_SYNTAXES

    return [str(one) for one in ALL_TRANSFER_SYNTAXES]


class _Prompt(socket.socket):
    """A connection that acknowledges what it has read at once, and sends at once.

    A sender that waits for an acknowledgement before it sends the rest of a slice (Nagle's algorithm), and a receiver
    that delays it, make 19 slices a second. Linux forgets the wish, so that it is repeated with every piece read.
    """

    def recv(self, most: int, flags: int = 0) -> bytes:
        """As that of any socket."""
        found = super().recv(most, flags)
        if hasattr(socket, "TCP_QUICKACK"):
            with contextlib.suppress(OSError):  # the other end has gone meanwhile
                self.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return found


def _server_class() -> Any:
    """The server of pynetdicom, which asks for the address before anything is read."""
    from pynetdicom.transport import ThreadedAssociationServer

    class Server(ThreadedAssociationServer):  # type: ignore[misc]
        daemon_threads = True

        def __init__(self, *args: Any, peers: Sequence[Network], hearing: Hearing, **more: Any) -> None:
            self._peers, self._hearing = tuple(peers), hearing
            super().__init__(*args, **more)

        def get_request(self) -> tuple[socket.socket, Any]:
            plain, address = super().get_request()
            prompt = _Prompt(fileno=plain.detach())
            prompt.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return prompt, address

        def verify_request(self, request: Any, client_address: Any) -> bool:
            peer = str(client_address[0])
            if allowed(peer, self._peers):
                return True
            self._hearing.count("denied")
            self._hearing.trouble(f"{peer} may not connect: it is not in allow")
            return False

    return Server
