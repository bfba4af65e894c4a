"""Prints what the web application's server answers, as an OpenAPI document: from it the client's types are made."""

import asyncio
import json
import sys
import tempfile
from pathlib import Path

from caretwin.serve.clock import wall
from caretwin.serve.running import running
from caretwin.serve.site import site_of


async def document() -> dict[str, object]:
    """The document of a site that has nobody in it."""
    with tempfile.TemporaryDirectory() as folder:
        table = {"record": {"url": "empty.db"}, "web": {"listen": "127.0.0.1:0"}}
        site = site_of(table, "the OpenAPI document", Path(folder))
        async with running(site, wall, twins=False) as alive:
            assert alive.web is not None
            return alive.web.app.openapi()


if __name__ == "__main__":
    json.dump(asyncio.run(document()), sys.stdout, indent=1, sort_keys=True)
