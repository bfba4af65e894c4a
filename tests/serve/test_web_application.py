"""Claims about the web application as it is built: small, of one origin, and inside the wheel."""

import gzip
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.paths import ROOT

STATIC = ROOT / "src" / "caretwin" / "serve" / "web" / "static"
FIRST_PAGE_KB = 400
"""kB, gzipped: the most that a browser fetches before a board can be shown."""


def web(*words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHON": sys.executable}
    return subprocess.run(
        [ROOT / "scripts" / "web.sh", *words], cwd=ROOT, env=environment, text=True, capture_output=True
    )


@pytest.fixture(scope="module")
def built() -> Path:
    done = web("build")
    assert done.returncode == 0, done.stderr
    return STATIC


class Page(HTMLParser):
    """What a page fetches by itself, and whatever is written into it that a strict policy forbids."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.inline: list[str] = []
        self.inside = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.inline += [f"{tag} {name}" for name in given if name == "style" or name.startswith("on")]
        if tag == "script" and "src" in given:
            self.fetched.append(given["src"])
        elif tag == "link":
            self.fetched.append(given["href"])
        elif tag in ("script", "style"):
            self.inside = tag

    def handle_data(self, data):
        if self.inside and data.strip():
            self.inline.append(f"{self.inside}: {data.strip()[:40]}")

    def handle_endtag(self, tag):
        self.inside = ""


@pytest.fixture(scope="module")
def page(built: Path) -> Page:
    return Page((built / "index.html").read_text("utf-8"))


def test_what_is_written_into_a_page_would_be_found():
    assert Page('<p style="x">').inline == ["p style"]
    assert Page("<script>alert()</script>").inline == ["script: alert()"]
    assert Page('<script src="/a.js"></script>').inline == []


def test_the_page_has_no_script_or_style_written_into_it(page):
    assert page.inline == []


def test_the_page_fetches_files_that_were_built_and_nothing_from_elsewhere(built, page):
    assert page.fetched
    assert [name for name in page.fetched if not (name.startswith("/") and (built / name[1:]).is_file())] == []


def test_the_first_page_is_small_enough_for_a_slow_line(built, page):
    files = [built / "index.html", *(built / name[1:] for name in page.fetched)]
    size = sum(len(gzip.compress(path.read_bytes(), 6)) for path in files)
    assert size <= FIRST_PAGE_KB * 1000, f"{size / 1000:.0f} kB"


def test_files_that_browsers_keep_for_ever_have_a_name_by_their_content(built):
    names = [path.name for path in (built / "assets").iterdir()]
    assert names
    assert [name for name in names if not re.search(r"-[\w-]{8}\.\w+$", name)] == []


def test_nothing_that_is_built_names_another_origin(built):
    # Names of XML vocabularies, a licence notice, and where React explains its errors: no browser fetches any of them.
    known = re.compile(r"https?://(www\.w3\.org/|react\.dev/|github\.com/)")
    found = {
        f"{path.name}: {address}"
        for path in built.rglob("*.*")
        if path.suffix in (".js", ".css", ".html", ".svg")
        for address in re.findall(r"https?://[\w.-]+/?", path.read_text("utf-8"))
        if not known.match(address if address.endswith("/") else address + "/")
    }
    assert found == set()


def test_invented_people_for_development_are_not_built(built):
    invented = (ROOT / "web" / "dev" / "invented_people.ts").read_text("utf-8")
    assert "Featherstonehaugh" in invented
    assert [path.name for path in built.rglob("*.js") if "Featherstonehaugh" in path.read_text("utf-8")] == []


def test_building_again_does_nothing(built):
    before = (built / "index.html").stat().st_mtime_ns
    assert web("build").returncode == 0
    assert (built / "index.html").stat().st_mtime_ns == before


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_what_is_shipped_holds_the_application(built, tmp_path, kind):
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (archive,) = tmp_path.iterdir()
    if kind == "wheel":
        with zipfile.ZipFile(archive) as wheel:
            names = wheel.namelist()
    else:
        with tarfile.open(archive) as sdist:
            names = sdist.getnames()
    wanted = {
        f"caretwin/serve/web/static/{path.relative_to(built).as_posix()}" for path in built.rglob("*") if path.is_file()
    }
    held = {name[name.index("caretwin/serve/web") :] for name in names if "caretwin/serve/web/static/" in name}
    assert "caretwin/serve/web/static/index.html" in wanted
    assert wanted - held == set()
    assert [name for name in names if "node_modules" in name] == []


def test_the_types_of_the_client_are_those_of_the_server(built, tmp_path):
    done = web("api", str(tmp_path / "schema.ts"))
    assert done.returncode == 0, done.stderr
    kept = ROOT / "web" / "src" / "api" / "schema.ts"
    same = (tmp_path / "schema.ts").read_text("utf-8") == kept.read_text("utf-8")
    assert same, "server and client differ: run scripts/web.sh api, then mend what no longer fits"


@pytest.mark.slow
def test_types_style_and_logic_of_the_sources_hold():
    done = web("check")
    assert done.returncode == 0, done.stdout + done.stderr
