"""What became true of predictions: late, out of order, twice, contradictory, unknown, at once."""

from __future__ import annotations

import threading
from contextlib import closing
from itertools import permutations

import pytest

from pipewarden.core.monitoring.labels import LabelReport
from pipewarden.store.state.database import Database
from pipewarden.store.state.models import predictions
from pipewarden.store.state.models.predictions import Prediction
from pipewarden.store.state.monitoring import label_reports, labels


def asked(number: int, at, **also) -> Prediction:
    held = {"model": "m", "version": 1, "environment": "production", "role": "champion", **also}
    return Prediction(
        id=f"{number:08d}", at=at, entity=f"c{number}", inputs={"age": number},
        answer={"probability": number / 10}, request_id="r", **held,
    )  # fmt: skip


@pytest.fixture
def told(database, later):
    """Return what reports labels, as (number of the prediction, value, seconds of event time)."""

    def tell(*reports, arriving=3_600):
        with database.write() as conn:
            return label_reports.report(
                conn,
                [
                    LabelReport(prediction_id=f"{n:08d}", value=v, at=later(s))
                    for n, v, s in reports
                ],
                at=later(arriving),
                source="key",
            )

    return tell


@pytest.fixture
def logged(database):
    """Return what logs predictions."""

    def log(*rows):
        with database.write() as conn:
            predictions.append(conn, rows)

    return log


@pytest.fixture
def window(later):
    return {"since": later(0), "until": later(86_400)}


def counted(database, window, **also):
    with database.read() as conn:
        return labels.counts(conn, "m", "production", **window, **also)


def held(database, window, **also):
    with database.read() as conn:
        rows = list(labels.labelled(conn, "m", "production", **window, **also))
    return [(row.prediction_id[-1], row.label) for row in rows]


def test_a_label_is_given_to_its_prediction(database, later, logged, told, window):
    logged(*(asked(n, later(n)) for n in range(4)))
    done = told((1, 1, 60), (3, 0.0, 60))
    assert (done.received, done.new, done.labelled, done.unknown) == (2, 2, 2, 0)
    with database.read() as conn:
        first, second = labels.labelled(conn, "m", "production", **window)
        assert labels.newest(conn, "m", "production") == later(3)
    assert (first.prediction_id, first.at, first.entity) == ("00000001", later(1), "c1")
    assert (first.inputs, first.answer) == ({"age": 1}, {"probability": 0.1})
    assert (first.label, first.label_at, first.received_at) == (1, later(60), later(3_600))
    assert second.label == 0
    found = counted(database, window)
    assert (found.predictions, found.labelled, found.unlabelled) == (4, 2, 2)
    assert (found.coverage, found.newest, found.unknown) == (0.5, later(3), 0)


def test_a_label_waits_for_a_prediction_that_comes_later(database, later, logged, told, window):
    done = told((1, 1, 60), (2, 0, 60))
    assert (done.labelled, done.unknown) == (0, 2)
    assert counted(database, window).unknown == 2
    assert held(database, window) == []
    logged(asked(1, later(5)), asked(7, later(6)))
    assert held(database, window) == [("1", 1)]
    found = counted(database, window)
    assert (found.predictions, found.labelled, found.unknown) == (2, 1, 1)
    again = told((1, 0, 90))
    assert (again.labelled, again.conflicting, again.replaced) == (1, 1, ("00000001",))


def test_a_label_that_waited_counts_as_received_when_its_prediction_came(database, later, told):
    told((1, 1, 60), arriving=100)
    with database.write() as conn:
        predictions.append(conn, [asked(1, later(5))], later(9_000))
        (one,) = labels.arrived(conn, "m", "production", since=later(9_000), until=later(9_001))
    assert (one.label, one.label_at, one.received_at) == (1, later(60), later(9_000))


def test_an_id_that_no_database_takes_as_it_is_finds_its_prediction(database, later, window):
    row = asked(1, later(1))
    odd = Prediction(**{name: getattr(row, name) for name in row.__slots__} | {"id": "a\x00b"})
    report = LabelReport(prediction_id="a\x00b", value=1, at=later(2))
    with database.write() as conn:
        label_reports.report(conn, [report], at=later(2), source="k")
        predictions.append(conn, [odd])
        again = label_reports.report(conn, [report], at=later(3), source="k")
    assert (again.repeated, again.labelled) == (1, 1)


def test_a_repeated_label_changes_nothing_and_is_counted(database, later, logged, told, window):
    logged(asked(1, later(1)))
    told((1, 1, 60), (1, True, 60))
    done = told((1, 1.0, 50), arriving=7_200)
    assert (done.received, done.repeated, done.replaced) == (1, 1, ())
    found = counted(database, window)
    assert (found.labelled, found.repeated, found.conflicting) == (1, 2, 0)
    with database.read() as conn:
        label, lost = label_reports.reports_of(conn, "00000001")
    assert (label.at, label.received_at, label.reports, lost) == (later(60), later(3_600), 3, [])


def test_of_labels_that_differ_the_newest_holds_and_the_others_are_kept(
    database, later, logged, told, window
):
    logged(asked(1, later(1)))
    told((1, 1, 60))
    assert told((1, 0, 30)).replaced == ()
    assert told((1, 0, 90), arriving=9_000).replaced == ("00000001",)
    assert held(database, window) == [("1", 0)]
    found = counted(database, window)
    assert (found.labelled, found.repeated, found.conflicting) == (1, 0, 2)
    with database.read() as conn:
        label, lost = label_reports.reports_of(conn, "00000001")
    assert (label.value, label.received_at, label.conflicts) == (0, later(9_000), 2)
    assert [(one.value, one.at) for one in lost] == [(0, later(30)), (1, later(60))]


def test_in_whatever_order_labels_arrive_the_same_one_holds(database, later, logged, told, window):
    orders = list(permutations([(1, 10), (0, 20), (1, 30), (0, 25)]))
    logged(*(asked(n, later(1)) for n in range(len(orders))))
    for number, order in enumerate(orders):
        told(*((number, value, seconds) for value, seconds in order))
    with database.read() as conn:
        found = [label_reports.reports_of(conn, f"{n:08d}")[0] for n in range(len(orders))]
    assert {(one.value, one.at, one.reports) for one in found} == {(1, later(30), 4)}


def test_windows_are_of_predictions_or_of_arrival(database, later, logged, told, window):
    logged(*(asked(n, later(n * 100)) for n in range(5)))
    told((4, 1, 500), arriving=1_000)
    told((0, 1, 500), (2, 0, 500), arriving=2_000)
    early = {"since": later(0), "until": later(400)}
    assert held(database, early) == [("0", 1), ("2", 0)]
    assert held(database, window, limit=2) == [("2", 0), ("4", 1)]
    with database.read() as conn:
        came = labels.arrived(
            conn, "m", "production", since=later(1_500), until=later(2_001), limit=9
        )
        assert [row.prediction_id[-1] for row in came] == ["0", "2"]


def test_versions_roles_environments_and_models_are_told_apart(
    database, later, logged, told, window
):
    others = ({"version": 2}, {"role": "challenger"}, {"environment": "staging"}, {"model": "n"})
    logged(asked(0, later(0)), *(asked(n, later(n), **also) for n, also in enumerate(others, 1)))
    told(*((n, 1, 60) for n in range(5)), (1, 1, 61), (2, 0, 61))
    assert held(database, window) == [("0", 1), ("1", 1), ("2", 0)]
    assert held(database, window, version=2) == [("1", 1)]
    assert held(database, window, role="challenger") == [("2", 0)]
    with database.read() as conn:
        found = labels.tallies(conn, "m", "production", **window)
        assert predictions.models(conn) == [
            ("m", "production"), ("m", "staging"), ("n", "production")
        ]  # fmt: skip
    shown = [(t.version, t.role, t.predictions, t.repeated, t.conflicting) for t in found]
    assert shown == [
        (1, "challenger", 1, 0, 1), (1, "champion", 1, 0, 0), (2, "champion", 1, 1, 0)
    ]  # fmt: skip
    assert counted(database, window, version=1).predictions == 2
    assert counted(database, window, version=1, role="challenger").conflicting == 1


def test_an_empty_window_has_no_coverage(database, window):
    found = counted(database, window)
    assert (found.predictions, found.labelled, found.coverage, found.newest) == (0, 0, None, None)


def test_old_predictions_go_with_their_labels_a_portion_at_a_time(
    database, later, logged, told, window
):
    logged(*(asked(n, later(n)) for n in range(6)))
    told((0, 1, 60), (0, 0, 70), (3, 1, 60), (5, 1, 60))
    told((8, 1, 60), arriving=3)
    with database.write() as conn:
        whole = label_reports.count_before(conn, "m", "production", later(4))
        first = label_reports.prune(conn, "m", "production", later(4), 3)
        second = label_reports.prune(conn, "m", "production", later(4), 3)
        third = label_reports.prune(conn, "m", "production", later(4), 3)
        assert label_reports.prune_unknown(conn, later(4), 9) == 1
    assert (whole.predictions, whole.labels) == (4, 2)
    assert [(one.predictions, one.labels) for one in (first, second, third)] == [
        (3, 1), (1, 1), (0, 0)
    ]  # fmt: skip
    assert held(database, window) == [("5", 1)]
    found = counted(database, window)
    assert (found.predictions, found.labelled, found.unknown) == (2, 1, 0)
    with database.read() as conn:
        assert label_reports.reports_of(conn, "00000000") == (None, [])


def test_labels_and_predictions_that_come_at_once_all_meet(database, url, later, window):
    numbers, writers = range(120), 4

    def work(place: int) -> None:
        with closing(Database.open(url)) as mine:
            for number in numbers[place::writers]:
                report = LabelReport(prediction_id=f"{number:08d}", value=1, at=later(9))
                other = asked((number + 1) % len(numbers), later(1))
                with mine.write() as conn:
                    label_reports.report(conn, [report], at=later(10), source="k")
                with mine.write() as conn:
                    predictions.append(conn, [other])
                    label_reports.report(conn, [report], at=later(11), source="k")

    threads = [threading.Thread(target=work, args=(place,)) for place in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = counted(database, window)
    assert (found.predictions, found.labelled, found.unknown) == (120, 120, 0)
    assert (found.repeated, found.conflicting) == (120, 0)
