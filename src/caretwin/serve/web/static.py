"""The application's own files: built once, inside the package; read once, compressed once."""

from __future__ import annotations

import gzip
import mimetypes
import threading
from pathlib import Path
from typing import NamedTuple

from starlette.responses import Response

FOLDER = Path(__file__).with_name("static")
"""Where ``web/`` builds to; not in the repository, but in every wheel."""
FOR_EVER = "public, max-age=31536000, immutable"
"""Files under assets/ have a digest of themselves in their name: another file has another name."""
TEXTS = frozenset({".html", ".js", ".css", ".svg", ".json", ".map", ".txt", ".webmanifest", ".glb", ".wasm"})
"""Files that become smaller when they are compressed."""
NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>caretwin: the web application was not built</title>
<h1>The web application was not built</h1>
<p>The server runs, but the pages that it should show are not in this installation. An installed package has them; in a
checkout of the source, build them once with <code>make web</code>, then load this page again.</p>
</html>
"""
mimetypes.add_type("model/gltf-binary", ".glb")
mimetypes.add_type("text/javascript", ".js")


class File(NamedTuple):
    """A file as it is sent. packed: compressed by gzip, None where that is no gain."""

    media: str
    body: bytes
    packed: bytes | None


class Static:
    """The files of a folder, found by names without ways out of it."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder, self._lock = folder, threading.Lock()
        self._files: dict[str, File] = {}
        self._names = {one.relative_to(folder).as_posix(): one for one in folder.rglob("*") if one.is_file()}

    @property
    def built(self) -> bool:
        """Whether there is an application to load."""
        return "index.html" in self._names

    def response(self, path: str, encodings: str) -> Response | None:
        """A file, the application for a page's address, None where there is nothing.

        encodings  what the browser takes (Accept-Encoding)
        """
        name = path.strip("/")
        if name not in self._names:
            if "." in name.rpartition("/")[2] or name.startswith("assets/"):
                return None
            name = "index.html"
        if name not in self._names:
            return Response(NOT_BUILT, 200, media_type="text/html; charset=utf-8")
        file = self._file(name)
        headers = {"cache-control": FOR_EVER if name.startswith("assets/") else "no-store", "vary": "accept-encoding"}
        if file.packed is not None and "gzip" in encodings:
            return Response(file.packed, 200, {**headers, "content-encoding": "gzip"}, file.media)
        return Response(file.body, 200, headers, file.media)

    def _file(self, name: str) -> File:
        with self._lock:
            if name not in self._files:
                body = self._names[name].read_bytes()
                packed = gzip.compress(body, 9, mtime=0) if self._names[name].suffix in TEXTS else None
                media = mimetypes.guess_type(name)[0] or "application/octet-stream"
                small = packed if packed is not None and len(packed) < len(body) else None
                self._files[name] = File(media, body, small)
            return self._files[name]
