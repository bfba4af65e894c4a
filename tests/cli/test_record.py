"""``caretwin record``: what a person does to a record by hand."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from caretwin.cli import main
from caretwin.record.access import operator
from caretwin.record.bedside import Quality
from caretwin.record.entry import Event, Identifier
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
    return CliRunner().invoke(main, ["record", *arguments], env={"COLUMNS": "160"})


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


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_on_a_narrow_terminal_no_word_is_cut_into_pieces(tmp_path: Path, width: int) -> None:
    where = tmp_path / "record.db"
    record = open_record(where, lambda: MINUTE)
    more = {"code": "mean_arterial_pressure", "source": "hl7v2:icu/bed 7", "quality": Quality.SUSPECT}
    key = write(record, 9 * MINUTE, seen(71, 9 * MINUTE, **more), seen(60, 9 * MINUTE))
    record.close()
    look = {"COLUMNS": str(width), "FORCE_COLOR": "1", "NO_COLOR": "1", "TERM": "xterm"}
    said = CliRunner().invoke(main, ["record", "show", str(where), key], env=look).output
    for word in ("mean_arterial_pressure", "71", "1970-01-01", "00:09:00Z", "hl7v2:icu/bed", "suspect"):
        assert word in said, said
    rows = sum("mean_arterial_pressure" in line and "1970-01-01" in line for line in said.splitlines())
    assert rows == (width == 200), "a table only where there is room for it"


def test_what_was_refused_is_nobodys_last_value(tmp_path: Path) -> None:
    where = tmp_path / "record.db"
    record = open_record(where, lambda: MINUTE)
    never = seen(60, 253_402_214_400_000_000, quality=Quality.REFUSED)  # 9999-12-31
    write(record, MINUTE, seen(60, 9 * MINUTE), never, seen(12, MINUTE, code="respiratory_rate"))
    write(record, MINUTE, seen(900, 9 * MINUTE, code="pulse_rate", quality=Quality.REFUSED))
    record.close()
    said = asked("subjects", str(where)).output
    assert "1970-01-01 00:09Z" in said and "9999" not in said and " 2 " in said


def test_two_who_were_merged_by_mistake_are_parted_by_hand_with_the_reason_in_the_audit_trail(tmp_path: Path) -> None:
    where = tmp_path / "record.db"
    kept, other = two_people(where)
    alone = asked("part", str(where), other, "--reason", "x", "--yes")
    assert alone.exit_code == 2 and "merged into nobody" in alone.output
    asked("merge", str(where), kept, other, "--reason", "same wristband", "--yes")
    wrong = asked("part", str(where), kept, "--reason", "x", "--yes")
    assert wrong.exit_code == 2 and other in wrong.output
    no = CliRunner().invoke(main, ["record", "part", str(where), other, "--reason", "x"], input="n\n")
    assert no.exit_code == 1 and f"{other} was merged into {kept}" in no.output and "same wristband" in no.output
    said = asked("part", str(where), other, "--reason", "two wristbands", "--yes")
    assert said.exit_code == 0 and f"{other} is its own again" in said.output, said.output
    record = open_record(where, lambda: MINUTE)
    assert record.reading(operator()).subject_of(Identifier(*MR_B.identifiers[0])) == other
    details = [row[0] for row in record.connection().query("SELECT detail FROM audit")]
    record.close()
    assert "part: two wristbands" in details


def test_only_two_subjects_that_are_there_are_merged(tmp_path: Path) -> None:
    where = tmp_path / "record.db"
    kept, _ = two_people(where)
    nobody = asked("merge", str(where), kept, "p0", "--reason", "x", "--yes")
    twice = asked("merge", str(where), kept, kept, "--reason", "x", "--yes")
    assert nobody.exit_code == 2 and "no subject 'p0'" in nobody.output
    assert twice.exit_code == 2 and "the same subject twice" in twice.output


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        ("medication_administration", {"medication": {"text": "Gentamicin"}, "dose": {"value": 240.0, "unit": "mg"},
         "route": {"text": "IV"}, "status": "completed"}, ": Gentamicin, 240 mg, IV  from"),
        ("medication_administration", {"medication": {"codes": [["http://www.whocc.no/atc", "C01CA03"]]},
         "rate": {"numerator": {"value": 0.1, "unit": "ug/kg"}, "denominator": {"value": 1, "unit": "min"}},
         "status": "in-progress"}, ": C01CA03, 0.1 ug/kg / 1 min, in-progress  from"),
        ("medication_request", {"medication": {"text": "Insulin"}, "status": "active", "dosage": [
         {"dose": {"low": {"value": 4.0, "unit": "[iU]"}, "high": {"value": 8.0, "unit": "[iU]"}},
          "timing": {"text": "Q6H"}}]}, ": Insulin, 4 [iU] to 8 [iU], Q6H, active  from"),
        ("medication_not_given", {"reason": ["refused"]}, ": no drug named, refused  from"),
        ("encounter", {"class": "IMP"}, "encounter  from"),
        ("medication_request", {"medication": "odd", "dosage": "odd", "dose": 3}, ": no drug named  from"),
    ],
)  # fmt: skip
def test_an_event_of_medication_is_shown_with_drug_and_dose(
    tmp_path: Path, kind: str, body: dict[str, object], words: str
) -> None:
    where = tmp_path / "record.db"
    kept, _ = two_people(where)
    record = open_record(where, lambda: MINUTE)
    write(record, 12 * MINUTE, Event(MRS_A, kind, 11 * MINUTE, "hl7v2:icu", body))
    record.close()
    assert words in asked("show", str(where), kept).output


@pytest.fixture
def where(tmp_path: Path) -> Path:
    return tmp_path / "record.db"


def opened(where: Path) -> Record:
    return open_record(where, lambda: MINUTE)


def note_codes(where: Path, *codes: str, unit: str = "[/q]") -> None:
    record = opened(where)
    found = [keep.Unmapped("hl7v2:icu", "local", one, unit, "mm[Hg]", "1 [ppm]", 0, 0, 1) for one in codes]
    with record.writing(operator(), "write", "") as connection:
        keep.note_unmapped(connection, found)
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


def shown(where: Path, *entries: object, more: tuple[str, ...] = ()) -> list[list[str]]:
    """The lines of what ``show`` says of Mrs A after these entries, as words."""
    record = opened(where)
    key = write(record, 30 * MINUTE, *entries)
    record.close()
    said = asked("show", str(where), key, *more)
    assert said.exit_code == 0, said.output
    return [line.split() for line in said.output.splitlines()]


def rate(value: float | None, at: int, order: str, **more: object) -> object:
    return seen(value, at * MINUTE, code="norepinephrine", source="chart", note={"order": order}, **more)


def test_a_bag_that_runs_is_shown_though_another_has_ended(where: Path) -> None:
    bags = rate(0.1, 9, "a"), rate(0.2, 10, "b"), rate(None, 12, "a")
    rows = [line for line in shown(where, *bags) if line and line[0] == "norepinephrine"]
    assert [line[1] for line in rows] == ["0.2"] and rows[0][-2:] == ["order", "b"]


def test_bags_that_run_together_are_a_row_each_with_their_sum(where: Path) -> None:
    bags = rate(0.1, 9, "a"), rate(0.2, 10, "b")
    rows = [line for line in shown(where, *bags) if line and line[0] == "norepinephrine"]
    assert [line[1] for line in rows] == ["0.1", "0.2"]
    assert all(" ".join(line).endswith("; sum 0.3") for line in rows)


def test_bags_that_have_all_ended_are_one_row_that_says_so(where: Path) -> None:
    bags = rate(0.1, 9, "a"), rate(0.2, 10, "b"), rate(None, 12, "a"), rate(None, 13, "b")
    rows = [line for line in shown(where, *bags) if line and line[0] == "norepinephrine"]
    assert len(rows) == 1 and rows[0][1] == "absent"


def test_a_refused_rate_brings_no_ended_one_back(where: Path) -> None:
    bags = rate(0.1, 9, "a"), rate(None, 12, "a"), rate(99, 14, "a", quality=Quality.REFUSED)
    rows = [line for line in shown(where, *bags) if line and line[0] == "norepinephrine"]
    assert [line[1] for line in rows] == ["absent", "99"]


def test_a_refused_value_hides_no_good_one(where: Path) -> None:
    ahead = seen(75, 90 * MINUTE, quality=Quality.REFUSED, note={"trouble": "ahead of time"})
    lines = shown(where, seen(80, 9 * MINUTE), ahead)
    rows = [line for line in lines if line and line[0] == "heart_rate"]
    assert [line[1] for line in rows] == ["80", "75"]
    assert " ".join(rows[1]).endswith("refused; ahead of time")
    assert any("lives on heart rate" in " ".join(line) for line in lines)
    alone = shown(where, seen(9, 9 * MINUTE, code="respiratory_rate", quality=Quality.REFUSED))
    assert not any("lives on heart rate, respiratory rate" in " ".join(line) for line in alone)


def test_a_key_that_became_another_says_whom(where: Path) -> None:
    kept, other = two_people(where)
    assert asked("merge", str(where), kept, other, "--reason", "same wristband", "--yes").exit_code == 0
    said = asked("show", str(where), other)
    assert said.output == f"{other} is {kept} now\n"
    before = asked("show", str(where), other, "--as-of", "1970-01-01T00:20:00Z")  # nobody knew then
    assert "heart_rate" in before.output


def test_a_mapping_keeps_what_was_filled_in_and_gets_the_new_codes(where: Path, tmp_path: Path) -> None:
    target = tmp_path / "mapping.csv"
    note_codes(where, "A", "B", unit="mg")
    assert "2 codes new" in asked("unmapped", str(where), "--csv", str(target)).output
    mine = target.read_text().replace("hl7v2:icu,local,A,mg,,", ",,a,,heart_rate,")
    target.write_text(mine)
    note_codes(where, "C", unit="mg")
    said = asked("unmapped", str(where), "--csv", str(target))
    assert "1 code new" in said.output and "2 were there" in said.output
    lines = target.read_text().splitlines()
    assert lines[:3] == mine.splitlines() and lines[3].startswith("hl7v2:icu,local,C,mg,,") and len(lines) == 4


def test_what_is_no_mapping_is_not_written_over(where: Path, tmp_path: Path) -> None:
    note_codes(where, "A")
    for content in (b"code;channel\n", b"\xff\xfe", b""):
        target = tmp_path / "mine.csv"
        target.write_bytes(content)
        said = asked("unmapped", str(where), "--csv", str(target))
        assert said.exit_code == 1 and "name another file" in said.output and target.read_bytes() == content
    assert asked("unmapped", str(where), "--csv", str(where)).exit_code == 2


def test_a_person_is_found_by_the_beginning_of_the_key_or_by_a_number(where: Path) -> None:
    key, _ = two_people(where)
    for name in (key, key[:6], "urn:hospital|4711"):
        said = asked("show", str(where), name)
        assert said.exit_code == 0 and "heart_rate" in said.output, said.output
    for name in (key[:5], "x" + key[:6], "p"):
        assert "no subject" in asked("show", str(where), name).output
    for name in ("urn:hospital|9999", "urn:other|4711"):
        said = asked("show", str(where), name)
        assert said.exit_code == 2 and "nobody has this number" in said.output
        assert name.split("|")[1] not in said.output


def test_a_beginning_that_two_keys_share_is_not_enough(where: Path) -> None:
    record = opened(where)
    with record.writing(operator(), "write", "") as connection:
        connection.insert(
            "subject", ("id", "key", "kind", "received"), [(n, f"p123456{n}", "patient", 0) for n in (1, 2)]
        )
    record.close()
    assert "2 subjects begin with 'p12345'" in asked("show", str(where), "p12345").output
    assert asked("show", str(where), "p1234561").exit_code == 0


def test_before_people_are_merged_or_erased_it_is_told_how_much_it_is_about(where: Path) -> None:
    kept, other = two_people(where)
    how_much = "1 value since 1970-01-01 00:09Z"
    names = "urn:hospital|4711", other[:6]
    said = CliRunner().invoke(main, ["record", "merge", str(where), *names, "--reason", "x"], input="n\n")
    assert said.exit_code == 1 and f"{kept}: {how_much}" in said.output and f"{other}: {how_much}" in said.output
    assert "4711" not in said.output
    assert asked("merge", str(where), *names, "--reason", "x", "--yes").exit_code == 0
    again = asked("merge", str(where), kept, other, "--reason", "x", "--yes")
    assert again.exit_code == 2 and f"{other} was merged into {kept}" in again.output
    said = CliRunner().invoke(main, ["record", "erase", str(where), other, "--reason", "law"], input="y\n")
    assert said.exit_code == 0 and "2 values since" in said.output and "rows erased" in said.output


def test_an_export_that_could_not_be_made_is_told_plainly_and_is_none(where: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    key, _ = two_people(where)
    (tmp_path / "file").write_text("mine")
    for folder in (tmp_path / "file", tmp_path / "file" / "in"):
        said = asked("export", str(where), str(folder))
        assert said.exit_code == 1 and "a file of this name" in said.output
    assert asked("export", str(where), str(tmp_path / "out" / "parquet")).exit_code == 0
    told = asked("erase", str(where), key, "--reason", "law", "--yes").output
    assert told.count("an export of") == 1 and str((tmp_path / "out" / "parquet").resolve()) in told


@pytest.mark.parametrize(
    ("text", "why"), [("yesterday", "no date and time of day"), ("2026-11-22", "a date without a time of day")]
)
def test_what_is_no_time_is_told_with_an_example(where: Path, text: str, why: str) -> None:
    key, _ = two_people(where)
    said = asked("show", str(where), key, "--as-of", text)
    assert said.exit_code == 2 and f"'{text}': {why}; write such as 2026-11-22T10:00:00Z" in said.output
