"""``caretwin record``: what a person does to a record by hand."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from caretwin.cli import main
from caretwin.record.access import operator
from caretwin.record.entry import Identifier
from caretwin.record.record import Record, open_record
from caretwin.record.store import keep
from tests.record.test_store import MINUTE, MR_B, MRS_A, reader, seen, write


def two_people(where: Path) -> tuple[str, str]:
    record = open_record(where, lambda: MINUTE)
    for ref in (MRS_A, MR_B):
        write(record, 11 * MINUTE, seen(60, 9 * MINUTE, subject=ref))
    keys = [reader(record).subject_of(ref.identifiers[0]) for ref in (MRS_A, MR_B)]
    record.close()
    return str(keys[0]), str(keys[1])


def asked(*arguments: str):
    return CliRunner().invoke(main, ["record", *arguments])


def test_two_who_are_one_are_merged_by_hand_with_the_reason_in_the_audit_trail(tmp_path: Path) -> None:
    where = tmp_path / "record.db"
    kept, other = two_people(where)
    said = asked("merge", str(where), kept, other, "--reason", "same wristband", "--yes")
    assert said.exit_code == 0, said.output
    assert f"{other} is {kept} now" in said.output
    record = open_record(where, lambda: MINUTE)
    assert record.reading(operator()).subject_of(Identifier(*MR_B.identifiers[0])) == kept
    details = [row[0] for row in record.connection().query("SELECT detail FROM audit")]
    record.close()
    assert "merge: same wristband" in details


def test_only_two_subjects_that_are_there_are_merged(tmp_path: Path) -> None:
    where = tmp_path / "record.db"
    kept, _ = two_people(where)
    nobody = asked("merge", str(where), kept, "p0", "--reason", "x", "--yes")
    twice = asked("merge", str(where), kept, kept, "--reason", "x", "--yes")
    assert nobody.exit_code == 2 and "no subject 'p0'" in nobody.output
    assert twice.exit_code == 2 and "the same subject twice" in twice.output


@pytest.fixture
def where(tmp_path: Path) -> Path:
    return tmp_path / "record.db"


def opened(where: Path) -> Record:
    return open_record(where, lambda: MINUTE)


def note_codes(where: Path, *codes: str, unit: str = "[/q]") -> None:
    record = opened(where)
    with record.writing(operator(), "write", "") as connection:
        keep.note_unmapped(
            connection, [keep.Unmapped("hl7v2:icu", "local", one, unit, "mm[Hg]", "1 [ppm]", 0, 0, 1) for one in codes]
        )
    record.close()


def test_what_a_sender_wrote_is_shown_as_it_is(where: Path, tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    record = opened(where)
    odd = seen(3, 9 * MINUTE, code="local|ABC[/b]", unit="[ppm]", source="hl7v2:[/x]", note={"text": "[red]"})
    key = write(record, 11 * MINUTE, odd)
    record.close()
    note_codes(where, "ABC[/b]", "\x1b[2J")
    codes, shown = asked("unmapped", str(where)), asked("show", str(where), key)
    assert codes.exit_code == 0 and all(one in codes.output for one in ("ABC[/b]", "[/q]", "mm[Hg]", "1 [ppm]"))
    assert "\x1b" not in codes.output
    assert shown.exit_code == 0 and all(one in shown.output for one in ("local|ABC[/b]", "3 [ppm]", "hl7v2:[/x]"))
    assert asked("export", str(where), str(tmp_path / "out")).exit_code == 0
    told = asked("query", str(tmp_path / "out"), 'SELECT code, unit AS "[/b]" FROM observation')
    assert told.exit_code == 0 and all(one in told.output for one in ("local|ABC[/b]", "[ppm]", "[/b]"))
