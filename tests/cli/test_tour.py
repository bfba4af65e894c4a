"""``caretwin tour`` on a few patients: tables, a decision and a report, with every way to a network closed."""

import socket

import pytest
from click.testing import CliRunner

from caretwin.cli import main, tour

PATIENTS = "4"


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """The tour with one of its sets; whoever opens a socket fails."""
    out = tmp_path_factory.mktemp("demo")

    def refused(*_arguments, **_named):
        raise AssertionError("the tour opened a network connection")

    with pytest.MonkeyPatch.context() as patched:
        for name in ("connect", "connect_ex", "bind", "sendto"):
            patched.setattr(socket.socket, name, refused)
        patched.setattr(socket, "getaddrinfo", refused)
        patched.setattr(tour, "SHOWN", {tour.DECISION: tour.SHOWN[tour.DECISION]})
        arguments = ["tour", "--out", str(out), "--patients", PATIENTS]
        found = CliRunner().invoke(main, arguments, catch_exceptions=False)
    return found, out


def test_it_ends_well_without_a_network(shown):
    assert shown[0].exit_code == 0


def test_it_shows_forecasts_a_decision_and_where_the_report_is(shown):
    text = shown[0].output
    assert "4 patients" in text
    assert "caretwin advises" in text
    assert "demo.phenobarbital.html" in text.replace("\n", "")
    assert "A ventilated stay" in text and "demo.ventilation.html" in text.replace("\n", "")


@pytest.mark.parametrize("name", ["phenobarbital", "ventilation"])
def test_the_reports_open_offline(shown, name):
    report = (shown[1] / f"demo.{name}.html").read_text(encoding="utf-8")
    assert "<html" in report
    assert "src=" not in report.replace('src="data:', "")
    assert "<script" not in report


def test_the_sets_are_those_that_come_with_a_package():
    assert set(tour.SHOWN) == {"remifentanil", "phenobarbital", "quinidine"}
