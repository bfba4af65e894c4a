"""``caretwin record``: what a person does to a record by hand."""

from pathlib import Path

from click.testing import CliRunner

from caretwin.cli import main
from caretwin.record.access import operator
from caretwin.record.entry import Identifier
from caretwin.record.record import open_record
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
