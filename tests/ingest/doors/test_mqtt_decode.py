"""What the MQTT door makes of payloads, by the mapping file of the examples."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.paths import ROOT

from caretwin.base.errors import DataError
from caretwin.ingest.decoded import RefusedError
from caretwin.ingest.doors.mqtt.door import MqttDoor
from caretwin.ingest.doors.mqtt.mapping import read_topics
from caretwin.ingest.doors.mqtt.media import Arrival, arrival_of, media_of

CLIMATE, DOOR, BED, MONITOR = (
    "homes/elm/rooms/12/climate", "homes/elm/rooms/12/door", "homes/elm/residents/R12/bed", "ward/monitors/bed7",
)  # fmt: skip
NOON = 1_764_072_000_000_000  # 2025-11-25T12:00Z
AT = "2025-11-25T12:00:00Z"


def mqtt_door(**more):
    return MqttDoor("home", {"url": "mqtt://localhost", "topics": str(ROOT / "examples/mqtt_topics.toml"), **more})


def said(topic, payload, received=NOON, **flags):
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return mqtt_door().decode(raw, media_of(Arrival(topic, received, **flags)))


def only(decoded):
    assert len(decoded.parts) == 1, decoded
    return decoded.parts[0]


def refusal(topic, payload, received=NOON, **flags):
    with pytest.raises(RefusedError) as caught:
        said(topic, payload, received, **flags)
    return caught.value.refusal


def test_a_topic_says_whom_it_is_about_and_a_payload_what_was_seen():
    found = said(CLIMATE, {"temperature": 21.5, "humidity": 40, "at": AT, "sensor": "s1"})
    assert [(part.codes[0].code, part.value, part.unit) for part in found.parts] == [
        ("room_temperature", 21.5, "Cel"), ("room_humidity", 40.0, "%"),
    ]  # fmt: skip
    assert {part.subject.identifiers[0] for part in found.parts} == {("local:rooms", "elm-12")}
    assert {part.effective for part in found.parts} == {NOON}
    assert {part.device for part in found.parts} == {"s1"}


def test_a_unit_in_the_payload_wins_over_the_one_in_the_mapping():
    part = only(said(CLIMATE, {"temperature": "70.7 °F", "at": AT, "sensor": "s1"}))
    assert (part.value, part.unit) == (70.7, "°F")
    beside = said(BED, {"pulse": {"value": 1.2, "unit": "Hz"}, "ts": NOON // 1000}).parts[0]
    assert (beside.value, beside.unit) == (1.2, "Hz")


@pytest.mark.parametrize("payload, value", [(b"OPEN", 1.0), (b"closed", 0.0), (b'"OPEN"', 1.0), (b"1", 1.0)], ids=repr)
def test_a_bare_word_is_a_value(payload, value):
    part = only(said(DOOR, payload))
    assert (part.value, part.effective) == (value, NOON)


@pytest.mark.parametrize(
    "payload, reason",
    [
        (b"null", "unknown"), (b"NaN", "not-a-number"), (b'"unavailable"', "temp-unknown"),
        (b"-Infinity", "negative-infinity"), (b"1e999", "positive-infinity"), (b"1" * 400, "positive-infinity"),
    ],
    ids=lambda one: repr(one)[:20],
)  # fmt: skip
def test_no_value_is_absent_and_never_zero(payload, reason):
    part = only(said(DOOR, payload))
    assert part.value is None
    assert part.note["absent"] == reason


def test_a_bare_nan_within_json_takes_only_its_own_value_away():
    found = said(CLIMATE, b'{"temperature": NaN, "humidity": 40, "at": "2025-11-25T12:00:00Z", "sensor": "s"}')
    assert [part.value for part in found.parts] == [None, 40.0]


def test_a_bound_is_kept_as_a_bound():
    part = only(said(CLIMATE, {"co2": "<400 ppm", "at": AT, "sensor": "s"}))
    assert (part.value, part.unit, part.note) == (400.0, "ppm", {"comparator": "<"})


def test_a_number_with_a_comma_is_refused_for_it_may_be_a_thousand_times_another():
    assert refusal(CLIMATE, {"co2": "1,234", "at": AT, "sensor": "s"}).seen == "a number with a comma"


@pytest.mark.parametrize("text", ["120/80", "12:30", "2025-11-25", "1.2.3", "HIGH"])
def test_a_text_that_is_no_number_with_a_unit_stays_a_text(text):
    part = only(said(DOOR, text.encode()))
    assert (part.value, part.note) == (None, {"text": text})


def test_what_is_good_of_a_message_counts_when_something_else_of_it_is_refused():
    found = said(CLIMATE, {"temperature": 20.0, "humidity": {"value": 3}, "at": AT, "sensor": "s"})
    assert only(found).value == 20.0
    assert [(one.place, one.seen) for one in found.refused] == [("humidity", "an object")]


def test_a_retained_message_without_a_time_is_no_observation_of_now():
    found = said(DOOR, b"OPEN", retained=True)
    assert found.parts == ()
    assert "retained" in found.ignored[0]


def test_a_retained_message_with_a_time_is_an_observation_of_then():
    assert only(said(CLIMATE, {"temperature": 21, "at": "2025-11-24T12:00Z", "sensor": "s"}, retained=True)).effective \
        == NOON - 86_400_000_000  # fmt: skip


def test_what_waited_at_the_broker_without_a_time_is_put_aside():
    assert "waited" in refusal(DOOR, b"OPEN", waited=True).seen
    assert only(said(BED, {"occupied": True, "ts": NOON // 1000}, waited=True)).effective == NOON


def test_samples_without_times_follow_one_another_by_the_interval():
    found = said(MONITOR, {"patient": "H123", "t0": NOON // 10**6, "hr": [81, None, 80]})
    assert [(part.effective - NOON, part.value) for part in found.parts] == [(0, 81), (10**6, None), (2 * 10**6, 80)]


@pytest.mark.parametrize(
    "at, seen",
    [
        (12, "before 2000"), (NOON // 1000, "after 2099"), ("2025-11-25", "without a time of day"),
        ("2025-11-25T12:00", "without a zone"), ("2025-11-25T15:00Z", "ahead"), ([], "no time"), (1e308, "after 2099"),
    ],
    ids=str,
)  # fmt: skip
def test_a_time_that_is_no_instant_of_the_past_is_refused(at, seen):
    assert seen in refusal(MONITOR, {"patient": "H123", "t0": at, "hr": [81]}).seen


def test_no_error_repeats_who_it_is_about():
    number = "943 476 5918"  # a wrong check digit
    door = mqtt_door()
    rule = door.rules[3]
    object.__setattr__(rule, "system", "NHS")
    with pytest.raises(RefusedError) as caught:
        door.decode(json.dumps({"patient": number, "t0": NOON // 10**6, "hr": [1]}).encode(), f"mqtt;topic={MONITOR}")
    assert "943" not in str(caught.value)
    assert "check digit" in str(caught.value)


def test_a_topic_of_nobody_and_a_message_without_what_is_mapped_are_ignored_by_name():
    assert said("weather/london", 12).ignored == ("a topic that no mapping names",)
    assert "co2" in said(CLIMATE, {"linkquality": 3, "at": AT, "sensor": "s"}).ignored[0]
    assert "taken back" in said(CLIMATE, b"").ignored[0]


def test_the_way_a_message_came_survives_the_quarantine():
    arrival = Arrival("rooms/12;retained=1/ü %", NOON, retained=False, waited=True)
    assert arrival_of(media_of(arrival)) == arrival


payloads = st.one_of(
    st.binary(max_size=200),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    ["temperature", "at", "ts", "pulse", "value", "hr", "t0", "patient", "occupied", "sensor"]
                ),
                inner,
                max_size=6,
            )
        ),
        max_leaves=12,
    ).map(lambda one: json.dumps(one).encode()),
)
topics = st.sampled_from([CLIMATE, DOOR, BED, MONITOR, "homeassistant/sensor/a/config", "x"]) | st.text(max_size=30)


@given(payloads, topics | st.text(max_size=40), st.sampled_from([None, 1, NOON]), st.booleans())
def test_no_bytes_raise_anything_but_a_refusal(raw, topic, received, retained):
    door = mqtt_door(discovery="homeassistant", rooms=str(ROOT / "examples/mqtt_rooms.toml"))
    for media in (media_of(Arrival(topic, received, retained)), topic):
        try:
            found = door.decode(raw, media)
        except RefusedError:
            continue
        for part in found.parts:
            assert part.effective > 0
            f"{part.unit}{part.device}{part.note}".encode()  # nothing that a file cannot take


@pytest.mark.parametrize(
    "text, seen",
    [
        ('[[topic]]\npattern = "a/{b"\nsubject = {}\nvalue = []', "no system"),
        ('[[topic]]\npatern = "a"', "unknown key 'patern'"),
        ('[[topic]]\npattern = "a/#/b"\nsubject = {system="x", value="y", kind="place"}\nvalue = []', "no topic"),
        ('[[topic]]\npattern = "a"\nsubject = {system="x", value="y", kind="cat"}\nvalue = []', "kind = 'cat'"),
        ('[[topic]]\npattern = "a"\nsubject = {system="x", value="y", kind="place"}\nvalue = [{at="b"}]', "no code"),
        ("topic = 3", "not an array"),
        ("[[topic", "Expected"),
    ],
    ids=lambda one: one[:30],
)  # fmt: skip
def test_a_mistake_in_the_mapping_is_named_with_its_place(tmp_path, text, seen):
    path = tmp_path / "topics.toml"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        read_topics(path)
    assert seen in caught.value.seen


@pytest.mark.parametrize(
    "settings, seen",
    [
        ({"url": "mqtt://user:secret@host"}, "a url with a user or a password"),
        ({"url": "http://host"}, "no broker"),
        ({"url": "mqtt://host", "user_variable": "CARETWIN_NO_SUCH"}, "no environment variable"),
        ({"url": "mqtts://host", "ca": "/no/such.pem"}, "no file"),
        ({"url": "mqtt://host", "window": 0}, "window = 0"),
        ({"url": "mqtt://host", "version": 4}, "version = 4"),
        ({"url": "mqtt://host", "topics": ""}, "neither topics nor discovery"),
    ],
    ids=str,
)
def test_a_mistake_in_the_settings_is_named_without_secrets(settings, seen):
    with pytest.raises(DataError) as caught:
        mqtt_door(**settings)
    assert seen in str(caught.value)
    assert "secret@" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ('{ at = "hr", code = "heartrate" }', ("line 7", "'heartrate'", "write heart_rate;")),
        ('{ at = "p", code = "systolic_pressure", unit = "kg" }', ("line 7", "'kg'", "a mass", "such as mm[Hg]")),
        ('{ at = "p", code = "8867-4", system = "http://loinc.org", unit = "kPa" }', ("line 7", "heart_rate", "/min")),
        ('{ at = "p", code = "breaths", system = "caretwin" }', ("line 7", "'breaths'", "vocabulary")),
    ],
)
def test_nonsense_in_a_mapping_is_refused_with_its_line_and_what_was_meant(tmp_path, value, words):
    path = tmp_path / "topics.toml"
    head = '[[topic]]\npattern = "a/{b}"\nsubject = { system = "s", value = "{b}", kind = "patient" }\n\n'
    path.write_text(head + f'value = [\n    {{ at = "x", code = "battery", unit = "%" }},\n    {value},\n]\n')
    with pytest.raises(DataError) as caught:
        read_topics(path)
    for word in words:
        assert word in str(caught.value), word
