"""Where somebody lies follows the stays that stand, and nobody lies in a bed that they left."""

from typing import Any

from caretwin.ingest.doors.hl7v2.door import Hl7v2Door
from caretwin.ingest.doors.hl7v2.sender import admission
from caretwin.record.entry import Event, Identifier
from caretwin.serve.places import NOWHERE, place_of
from caretwin.twin.living.stays import Stay

HOUR = 3_600_000_000


def stay(begun: int, stop: int | None = None, **body: Any) -> Stay:
    return Stay("encounter", begun, stop, body)


ICU = {"point_of_care": "ICU", "room": "2", "bed": "B"}


def test_the_last_place_that_is_not_over_counts() -> None:
    ward = stay(0, None, location={"point_of_care": "Ward 4"})
    assert place_of([stay(5, None, location=ICU), ward]) == ("ICU", "2 B", 5)
    assert place_of([stay(5, 9, location=ICU), ward]) == ("Ward 4", None, 0)


def test_who_left_lies_nowhere_and_who_never_came_neither() -> None:
    assert place_of([stay(5, 9, location=ICU)]) == NOWHERE
    assert place_of([stay(5, None, status="admitted"), Stay("person", 0, None, {"sex": "female"})]) == NOWHERE


def test_fhir_tells_a_place_in_words_and_the_last_counts() -> None:
    assert place_of([stay(5, None, places=["Ward 4", "ICU bed 3"])]).unit == "ICU bed 3"


def test_a_move_tells_since_when() -> None:
    moved = stay(0, None, location=ICU, moved="1970-01-01T02:00:00+00:00")
    assert place_of([moved]).since == 2 * HOUR


def test_an_admission_as_a_system_sends_it_is_read_back_as_that_place() -> None:
    raw = admission(Identifier("urn:hospital", "4711"), "A1", 1_767_596_400_000_000, ("ICU", "03"), visit="V1")
    parts = Hl7v2Door("register", {}).decode(raw).parts
    (told,) = [one for one in parts if isinstance(one, Event) and one.kind == "encounter"]
    place = place_of([Stay(told.kind, told.effective, told.stop, told.body)])
    assert (place.unit, place.bed, place.since) == ("ICU", "03", 1_767_596_400_000_000)
