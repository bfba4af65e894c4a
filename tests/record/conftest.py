"""A record for every test: on a file and on a server, so that each claim is made about both."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.peers import postgres

from caretwin.record.record import Record, open_record


class Ticking:
    """A clock that a test sets."""

    def __init__(self, now: int = 1_000_000_000) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="caretwin-") as folder, postgres.server(Path(folder)) as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.service)])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a fresh record can be: a file, or a database of a server."""
    if request.param == "sqlite":
        return str(tmp_path / "record.db")
    import psycopg

    url: str = request.getfixturevalue("postgres_server")
    name = f"record_{abs(hash(str(tmp_path)))}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {name}")
        server.execute(f"CREATE DATABASE {name}")
    return url.rsplit("/", 1)[0] + f"/{name}"


@pytest.fixture
def clock() -> Ticking:
    return Ticking()


@pytest.fixture
def record(where: str, clock: Ticking) -> Iterator[Record]:
    opened = open_record(where, clock)
    yield opened
    opened.close()
