"""An identifier is opaque: it is never a name, and the error that refuses one does not repeat it."""

import pytest

from caretwin.base.errors import DataError
from caretwin.base.ids import SubjectId, new_subject


@pytest.mark.parametrize("text", ["7f3c", "42", "mimic3:10126", "a.b_c-d", "x" * 64])
def test_an_internal_identifier_is_kept_as_it_is(text):
    assert str(SubjectId(text)) == text
    assert SubjectId(text) == SubjectId(text)
    assert {SubjectId(text): 1}[SubjectId(text)] == 1


@pytest.mark.parametrize("text", ["", "Jane Doe", "Doe, Jane", " 7f3c", "7f3c\n", "x" * 65, "-7", "jané", 42, None])
def test_anything_else_is_refused_without_being_repeated(text):
    with pytest.raises(DataError) as caught:
        SubjectId(text)
    assert "Jane" not in str(caught.value) and "Doe" not in str(caught.value)


def test_an_identifier_cannot_change():
    with pytest.raises(AttributeError):
        SubjectId("7f3c").value = "8"


def test_a_new_identifier_depends_on_its_random_bytes_alone():
    assert new_subject(bytes(16)) == new_subject(bytes(16))
    assert new_subject(bytes(16)) != new_subject(bytes(15) + b"\x01")
    with pytest.raises(ValueError):
        new_subject(b"short")
