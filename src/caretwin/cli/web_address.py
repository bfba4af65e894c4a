"""The web application of a demonstration: on a free port, with a link by which whoever reads the terminal signs in."""

from __future__ import annotations

import os
import socket
import webbrowser
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from caretwin.serve.site import Site
    from caretwin.serve.web.server import WebServer

VISITOR = "Visitor"
ROLES = ("doctor", "nurse", "pharmacist", "manager", "engineer", "auditor")
"""Roles among which a visitor of a demonstration may choose; whom they would see elsewhere is nobody real."""


def with_web(site: Site, port: int) -> Site:
    """The site with the web application at a port of this machine; at another one where it is taken."""
    from caretwin.serve.web.settings import WebSettings

    return replace(site, web=WebSettings(listen=f"127.0.0.1:{port if _free(port) else 0}", idle_min=720.0), demo=True)


def _free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def open_for_visitors(web: WebServer, console: Console) -> None:
    """Make an account for whoever sits here, print its link, and open a browser where there is one."""
    from caretwin.record.access import operator
    from caretwin.serve.web.link import link_address

    served = web.served
    account = served.accounts.add(operator(), VISITOR, ROLES, served.clock())
    link = link_address(web.address, served.accounts.new_link(operator(), account.key, served.clock()))
    console.print(f"the ward in a browser: {link}", soft_wrap=True, markup=False)
    console.print("  (the link is good once, within 15 min)", markup=False)
    if (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")) and console.is_terminal:
        webbrowser.open(link)
