"""Whatever picture of the ward a browser has, what it is told makes it the present one."""

from hypothesis import given
from hypothesis import strategies as st

from caretwin.record.bedside import Person
from caretwin.serve.board import BoardRow, Vital
from caretwin.serve.places import Place
from caretwin.serve.web.board_rows import MOST_POINTS
from caretwin.serve.web.picture import MOST_GONE, Picture

NOW = 1_767_596_400_000_000
MINUTE = NOW // 60_000_000


def row(subject: str, rate: float = 80.0, **more: object) -> BoardRow:
    known = {"heart_rate": Vital(rate, MINUTE - 5, None)}
    return BoardRow(subject, MINUTE - 5, MINUTE - 5, False, known, (), None, None, None, **more)  # type: ignore[arg-type]


def picture() -> Picture:
    return Picture(lambda subject: subject.upper(), lambda _: 0)


boards = st.lists(st.dictionaries(st.sampled_from("abcde"), st.floats(40, 180), max_size=5), min_size=1, max_size=8)


@given(boards, st.data())
def test_news_make_any_earlier_picture_the_present_one(wards: list[dict[str, float]], data: st.DataObject) -> None:
    drawn, earlier = picture(), list[tuple[int, dict[str, bytes]]]()
    for ward in wards:
        drawn.draw(tuple(row(key, rate) for key, rate in ward.items()), NOW)
        earlier.append((drawn.number, dict(drawn.json)))
    number, have = data.draw(st.sampled_from(earlier))
    news = drawn.since(number, drawn.rows.keys())
    for key in news.gone:
        have.pop(key, None)
    have |= {key: drawn.json[key] for key in news.rows}
    assert have == drawn.json
    assert news.number == drawn.number


def test_a_row_that_is_the_same_is_told_once() -> None:
    drawn = picture()
    assert drawn.draw((row("a"), row("b")), NOW)
    assert not drawn.draw((row("a"), row("b")), NOW)
    assert drawn.draw((row("a"), row("b", 90.0)), NOW)
    assert drawn.since(1, {"a", "b"}).rows == ("b",)


def test_nobody_is_told_of_whom_they_may_not_see() -> None:
    drawn = picture()
    drawn.draw((row("a"), row("b")), NOW)
    assert drawn.since(None, {"a"}).rows == ("a",)


def test_a_picture_of_another_life_or_too_long_ago_means_everything() -> None:
    drawn, other = picture(), picture()
    drawn.draw((row("a"),), NOW)
    other.draw((row("a"),), NOW)
    assert drawn.number_in(drawn.name()) == 1
    assert drawn.number_in(other.name()) is None and drawn.number_in("x") is None and drawn.number_in("") is None
    for turn in range(MOST_GONE + 5):
        drawn.draw((row(f"p{turn}"),), NOW)
    assert drawn.since(1, drawn.rows.keys()).whole
    assert not drawn.since(drawn.number - 1, drawn.rows.keys()).whole


def test_what_is_absent_stays_absent() -> None:
    drawn = picture()
    nothing = BoardRow("a", None, None, False, {}, (), None, None, None)
    drawn.draw((nothing,), NOW)
    shown = drawn.rows["a"]
    assert (shown.news2, shown.vitals, shown.age, shown.unit, shown.heard) == (None, [], None, None, None)
    assert shown.settings.mode is None and shown.twin.state == "none"


def test_a_person_is_shown_with_place_and_age_and_a_trend_that_fits_its_pixels() -> None:
    drawn = picture()
    trend = tuple((MINUTE - k, 70.0 + k) for k in range(240, 0, -1))
    known = {"heart_rate": Vital(71.0, MINUTE - 1, (60.0, 71.0, 90.0), NOW, trend)}
    person = Person("a", "female", 61.0)
    one = BoardRow("a", MINUTE, MINUTE, False, known, (), 1.0, 0.4, None, place=Place("ICU", "3", NOW), person=person)
    drawn.draw((one,), NOW)
    shown = drawn.rows["a"]
    assert (shown.number, shown.unit, shown.place, shown.age, shown.sex) == ("A", "ICU", "3", 61.0, "female")
    assert shown.settings.mode == "volume control"
    (vital,) = shown.vitals
    assert len(vital.trend) <= MOST_POINTS and vital.trend[-1] == ((MINUTE - 1) * 60_000_000, 71.0)
    assert vital.ahead is not None and (vital.ahead.low, vital.ahead.high) == (60.0, 90.0)
