"""What a door calls itself where others know all their clients by name: an MQTT broker."""

from __future__ import annotations

import os
import platform
from hashlib import blake2b
from pathlib import Path


def own_name(door: str, site: str = "") -> str:
    """The same after every start, and another one on another machine, for another account and for another site.

    site  what tells sites apart: where their record is; "": the folder where we are

    >>> own_name("sensors", "a.db") == own_name("sensors", "a.db"), own_name("sensors", "a.db").rpartition("-")[0]
    (True, 'caretwin-sensors')
    """
    told = (_machine(), str(os.getuid()), site or str(Path.cwd()), door)
    return f"caretwin-{door}-{blake2b(chr(0).join(told).encode(), digest_size=3).hexdigest()}"


def _machine() -> str:
    try:
        return Path("/etc/machine-id").read_text(encoding="ascii").strip() or platform.node()
    except (OSError, UnicodeDecodeError):
        return platform.node()
