"""What the sender is told: accepted only after the commit, the reason where it is not, in its own form."""

import pytest
from tests.ingest.doors.hl7v2_lines import MSH, NOW, PID, decoded, intake_of, message, obx, oru
from tests.ingest.doors.hl7v2_lines import door as door_of

from caretwin.ingest.decoded import Refusal
from caretwin.ingest.doors.hl7v2.answer import MOST_ERRORS, answer
from caretwin.ingest.doors.hl7v2.message import split
from caretwin.ingest.doors.hl7v2.sender import read_answer
from caretwin.ingest.intake import Outcome
from caretwin.ingest.unusable import Unusable

REFUSED = Outcome("refused", None, (Refusal("PID[1]-3", "no identifier", "one", "admit the patient", "required"),))
OUTCOMES = {
    "accepted": Outcome("accepted"), "refused": REFUSED, "busy": Outcome("busy"),
    "partly": Outcome("partly", None, (Refusal("OBX[2]-5", "2 numbers", "one", "send each", "value"),)),
    "header": Outcome("refused", None, (Refusal("MSH[1]-11", "processing 'T'", "P", "send P", "not-supported"),)),
}  # fmt: skip


def told(outcome: Outcome, msh: str = MSH):
    return answer(message(msh, PID), outcome, NOW, 7)


@pytest.mark.parametrize(
    ("name", "code"), [("accepted", "AA"), ("partly", "AA"), ("refused", "AE"), ("busy", "AR"), ("header", "AR")]
)
def test_each_outcome_has_its_code(name, code):
    assert told(OUTCOMES[name]).code == code
    assert read_answer(told(OUTCOMES[name]).raw).code == code


def test_an_answer_names_its_message_and_goes_back_to_its_sender():
    said = split(told(OUTCOMES["accepted"]).raw)
    assert [said.header.text(n) for n in (3, 4, 5, 6)] == ["TWIN", "WARD", "LAB", "NORTH"]
    assert [said.header.text(9, n) for n in (1, 2, 3)] == ["ACK", "R01", "ACK"]
    assert (said.header.text(11), said.header.text(12)) == ("P", "2.5.1")
    assert said.header.text(7) == "20240301062000.000+0000"
    assert said.first("MSA").text(2) == "M1"
    assert said.header.text(10) != "M1"


def test_a_refusal_says_where_what_and_how_to_put_it_right():
    said = split(told(REFUSED).raw)
    error = said.first("ERR")
    assert [error.text(2, n) for n in (1, 2, 3)] == ["PID", "1", "3"]
    assert (error.text(3), error.text(4)) == ("101", "E")
    assert "admit the patient" in error.text(8)
    assert "no identifier" in said.first("MSA").text(3)


def test_what_was_kept_in_part_is_accepted_and_says_what_waits():
    said = split(told(OUTCOMES["partly"]).raw)
    assert "quarantine" in said.first("MSA").text(3)
    assert said.first("ERR").text(4) == "W"


def never_used(place="OBX[2]-5"):
    return Unusable(0, place, "Puls", "80 mg/L", "a mass; wanted a rate per time")


def test_a_value_that_can_never_be_used_is_accepted_with_a_warning_at_its_place():
    told_ = told(Outcome("accepted", unusable=(never_used(), never_used("OBX[7]-5"))))
    said = split(told_.raw)
    assert told_.code == "AA"
    assert "2 values that can never be used: Puls: a mass" in said.first("MSA").text(3)
    assert [[one.text(2, n) for n in (1, 2, 3)] + [one.text(4)] for one in said.all("ERR")] == [
        ["OBX", "2", "5", "W"], ["OBX", "7", "5", "W"],
    ]  # fmt: skip
    assert "a rate per time" in said.first("ERR").text(8)
    assert b"80 mg/L" not in told_.raw, "no value stands in an answer"


def test_before_errors_could_warn_only_the_text_tells_what_can_never_be_used():
    said = split(told(Outcome("accepted", unusable=(never_used(),)), MSH.replace("|2.5.1", "|2.3")).raw)
    assert "can never be used" in said.first("MSA").text(3) and not said.all("ERR")


def test_an_answer_does_not_grow_with_what_can_never_be_used():
    said = split(told(Outcome("accepted", unusable=(never_used(),) * 500)).raw)
    assert len(said.all("ERR")) == MOST_ERRORS


def test_a_busy_disk_asks_to_send_again():
    answered = read_answer(told(OUTCOMES["busy"]).raw)
    assert answered.again
    assert not answered.kept


@pytest.mark.parametrize(
    ("accept", "application", "good", "bad"),
    [
        ("", "", "AA", "AE"), ("AL", "NE", "CA", "CE"), ("NE", "AL", "AA", "AE"), ("AL", "AL", "AA", "AE"),
        ("NE", "NE", "", ""), ("ER", "NE", "", "CE"), ("SU", "", "CA", ""), ("", "ER", "", "AE"),
        ("AL", "ER", "CA", "AE"), ("AL", "", "CA", "CE"),
    ],
)  # fmt: skip
def test_enhanced_mode_is_answered_as_it_asks(accept, application, good, bad):
    header = f"{MSH}|||{accept}|{application}"
    assert (told(OUTCOMES["accepted"], header).code, told(REFUSED, header).code) == (good, bad)
    assert bool(told(OUTCOMES["accepted"], header).raw) == bool(good)


def test_the_delimiters_and_the_character_set_of_the_sender_are_kept():
    header = "MSH#*!?@#LÄB#N#T#W#20240301061500+0000##ORU*R01#M1#P#2.5.1####AL##8859/1"
    raw = ("\r".join((header, "PID#1")) + "\r").encode("iso8859-1")
    said = split(answer(raw, REFUSED, NOW, 1).raw)
    assert said.marks == ("#", "*", "!", "?", "@")
    assert said.header.text(5) == "LÄB"
    assert said.first("MSA").text(1) == "AE"
    assert said.first("ERR").text(2, 3) == "3"


def test_an_older_version_is_told_in_its_own_error_segment():
    error = split(told(REFUSED, MSH.replace("2.5.1", "2.3")).raw).first("ERR")
    assert error.text(1, 1) == "PID"
    assert error.text(3) == ""


@pytest.mark.parametrize("raw", [b"", b"hello", b"\xff\xfe\xff", b"MSH", b"\x00" * 50])
def test_what_is_no_message_is_rejected(raw):
    said = answer(raw, Outcome("refused", None, (Refusal("MSH", "no", "yes", "do", "structure"),)), NOW, 1)
    assert said.code == "AR"
    assert read_answer(said.raw).code == "AR"


def test_many_refusals_make_a_bounded_answer():
    many = Outcome("refused", None, REFUSED.refused * 500)
    assert len(split(told(many).raw).all("ERR")) == MOST_ERRORS


def test_no_answer_repeats_a_number_of_the_patient(tmp_path):
    pid = "PID|1||9434765918^^^NHS^NH|||DOE^JANE"
    with intake_of(tmp_path, door_of()) as (intake, _):
        outcome = intake.accept_now(oru(obx(), pid=pid))
    assert outcome.result == "refused"
    assert b"9434765918" not in answer(oru(obx(), pid=pid), outcome, NOW, 1).raw
    assert b"DOE" not in answer(oru(obx(), pid=pid), outcome, NOW, 1).raw


def test_each_answer_has_a_control_id_of_its_own():
    ids = {split(answer(message(MSH, PID), OUTCOMES["accepted"], NOW, n).raw).header.text(10) for n in range(50)}
    assert len(ids) == 50
    assert max(map(len, ids)) <= 20
    assert decoded(message(MSH, PID)).parts == ()
