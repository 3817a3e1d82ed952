"""Predictions made elsewhere and labels of any, taken in from callers and from files."""

from __future__ import annotations

import csv
import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from pipewarden.core.monitoring.labels import LabelReport
from pipewarden.errors import BadInput, SourceNotFound, UsageError
from pipewarden.jobs.monitoring.labels import importing
from pipewarden.jobs.monitoring.labels.counting import statistics
from pipewarden.jobs.monitoring.labels.importing import import_labels, import_predictions
from pipewarden.jobs.monitoring.labels.retention import Pruned, prune
from pipewarden.jobs.monitoring.labels.taking import take_labels, take_predictions
from pipewarden.store.state import ledger
from pipewarden.store.state.models import predictions
from pipewarden.store.state.models.predictions import Prediction

MODEL = "credit/m"


def made(name: str, at: datetime, **also) -> Prediction:
    held = {"model": MODEL, "version": 1, "environment": "production", "role": "champion", **also}
    return Prediction(
        id=name, at=at, entity="", inputs={"age": 4}, answer={"probability": 0.5}, request_id="",
        **held,
    )  # fmt: skip


def told(name: str, value, at: datetime) -> LabelReport:
    return LabelReport(prediction_id=name, value=value, at=at)


def counts(site, days=7.0):
    since = site.now - timedelta(days=days)
    return statistics(site.workspace, since=since, until=site.now + timedelta(hours=1))


def acts(site, action):
    with site.database.read() as conn:
        return list(ledger.entries(conn, action=action))


@pytest.fixture
def deployed(site):
    site.deploy()
    return site


class TestGiven:
    def test_predictions_are_logged_once_and_what_cannot_be_is_named(self, deployed):
        site, now = deployed, deployed.now
        given = [
            made("a", now), made("a", now), made("", now), made("b", now, version=7),
            made("c", now + timedelta(hours=1)), made("d", datetime(1066, 10, 14, tzinfo=UTC)),
            made("e", now, model="nobody/knows"),
        ]  # fmt: skip
        taken = take_predictions(site.workspace, given, ["made"])
        assert taken.ids == ("a", "a", "made", "", "", "", "")
        assert (taken.stored, taken.repeated) == (2, 1)
        assert [(one.place, one.reason) for one in taken.refused] == [
            (3, "unknown_version"), (4, "in_the_future"), (5, "too_long_ago"),
            (6, "unknown_version"),
        ]  # fmt: skip
        again = take_predictions(site.workspace, given[:1])
        assert (again.stored, again.repeated, again.refused) == (0, 1, ())
        with site.database.read() as conn:
            assert predictions.count(conn, MODEL) == 2

    def test_the_id_of_another_models_prediction_is_refused(self, deployed):
        site = deployed
        with site.database.write() as conn:
            predictions.append(conn, [made("a", site.now, model="other")])
        taken = take_predictions(site.workspace, [made("a", site.now), made("b", site.now)])
        assert [(one.place, one.reason) for one in taken.refused] == [(0, "id_taken")]
        assert (taken.stored, taken.repeated) == (1, 0)

    def test_a_replaced_label_is_in_the_ledger_and_no_other(self, deployed):
        site, now = deployed, deployed.now
        take_predictions(site.workspace, [made("a", now)])
        first = [told("a", 1, now), told("x", 1, now), told("a", 0, now + timedelta(days=2))]
        taken = take_labels(site.workspace, first, source="key:bank")
        assert [(one.place, one.reason) for one in taken.refused] == [(2, "in_the_future")]
        assert (taken.reported.labelled, taken.reported.unknown) == (1, 1)
        assert acts(site, "labels.replaced") == []
        site.now += timedelta(hours=1)
        newer = take_labels(site.workspace, [told("a", 0, site.now)], source="key:bank")
        assert newer.reported.replaced == ("a",)
        (entry,) = acts(site, "labels.replaced")
        assert (entry.subject, entry.details) == ("key:bank", {"labels": 1, "predictions": ["a"]})


@pytest.mark.parametrize(
    ("positive", "read", "unread"),
    [("1", (0, 1, True, 0.0), ("yes", 0.5, 2)), ("yes", ("yes", "no", 1, False), (0.5, 2))],
)
def test_a_label_that_says_nothing_to_its_model_is_refused_and_replaces_none(
    site, positive, read, unread
):
    site.deploy(positive=positive)
    names = [f"p{place}" for place in range(len(read) + len(unread))]
    take_predictions(site.workspace, [made(name, site.now) for name in names])
    take_labels(site.workspace, [told(name, 1, site.now) for name in names], source="k")
    site.now += timedelta(hours=1)
    newer = [told(*pair, site.now) for pair in zip(names, (*read, *unread), strict=True)]
    waiting = told("nobody's", "yes", site.now)
    taken = take_labels(site.workspace, [*newer, waiting], source="k")
    assert [(one.place, one.reason) for one in taken.refused] == [
        (place, "unreadable_label") for place in range(len(read), len(names))
    ]
    assert taken.refused[0].message.startswith(f"{unread[0]!r} is no label of {MODEL}, which reads")
    assert taken.reported.unknown == 1
    assert not set(taken.reported.replaced) & set(names[len(read) :])


class TestFiles:
    def test_labels_of_a_csv_are_taken_and_each_bad_row_is_named_by_its_line(
        self, deployed, tmp_path
    ):
        site, at = deployed, deployed.now.isoformat()
        take_predictions(site.workspace, [made(name, site.now) for name in "abcdefg"])
        path = tmp_path / "labels.csv"
        rows = [
            b"prediction_id,label,at", f"a,1,{at}".encode(), f"b,true,{at}".encode(), b"c,0.5,",
            b"d,,", b"e,1,yesterday", b",1,", b"f,1", b"\xff,1,", b'g,"bad, indeed",2026-01-01',
            f"a,0,{at}".encode(), f"a,1,{at}".encode(), b"later,1,", b"h,1,2999-01-01",
            b'"never ends,1,', b"b,1,",
        ]  # fmt: skip
        path.write_bytes(b"\n".join(rows))
        done = import_labels(site.workspace, path)
        assert (done.rows, done.taken, done.refused) == (14, 7, 7)
        assert {problem.line: problem.message.split(":")[0] for problem in done.problems} == {
            5: "label", 6: "at", 7: "prediction_id", 8: "2 cells, and the header has 3",
            9: "a byte is not UTF-8", 14: "2999-01-01T00",
            16: "unexpected end of data, in the row from line 15 on",
        }  # fmt: skip
        assert done.counts == {
            "new": 5, "repeated": 1, "conflicting": 1, "labelled": 6, "unknown": 1, "replaced": 0
        }  # fmt: skip
        (entry,) = acts(site, "labels.imported")
        assert (entry.subject, entry.details["refused"]) == ("labels.csv", 7)
        again = import_labels(site.workspace, path)
        assert (again.counts["new"], again.counts["labelled"]) == (0, 6)

    @pytest.mark.parametrize("name", ["l.jsonl", "l.jsonl.gz", "l.parquet"])
    def test_the_other_kinds_of_files_hold_the_same(self, deployed, tmp_path, name):
        site = deployed
        take_predictions(site.workspace, [made(name, site.now) for name in "ab"])
        rows = [
            {"prediction_id": "a", "label": 1, "at": site.now.isoformat()},
            {"prediction_id": "b", "label": 0, "at": None},
            {"prediction_id": "a", "label": None},
        ]
        path = tmp_path / name
        if name.endswith("parquet"):
            pa = pytest.importorskip("pyarrow")
            from pyarrow import parquet

            parquet.write_table(pa.Table.from_pylist(rows), path)
        else:
            text = b"\n".join(orjson.dumps(row) for row in rows) + b'\n[1]\n{"pred'
            path.write_bytes(gzip.compress(text) if name.endswith("gz") else text)
        done = import_labels(site.workspace, path)
        assert (done.taken, done.counts["labelled"]) == (2, 2)
        lines = [problem.line for problem in done.problems]
        assert lines == ([3] if name.endswith("parquet") else [3, 4, 5])

    def test_predictions_of_a_file_are_logged_under_their_ids(self, deployed, tmp_path):
        site, at = deployed, deployed.now.isoformat()
        path = tmp_path / "scored.csv"
        path.write_text(
            "id,at,entity,version,role,input.age,answer.probability,answer.prediction\n"
            f"a,{at},c7,,,41,0.25,0\n"
            f"b,{at},,1,challenger,,0.75,1\n"
            f"c,{at},,9,,,0.75,1\n"
            f"d,{at},,1,king,,0.75,1\n"
            f"e,{at},,1,,,,\n"
            f"f,,,1,,,0.5,\n"
        )
        done = import_predictions(site.workspace, path, model=MODEL, version=1)
        assert (done.taken, done.counts) == (2, {"stored": 2, "repeated": 0})
        assert [(p.line, p.message.split(":")[0]) for p in done.problems] == [
            (4, "there is no version 9 of a model 'credit/m'"), (5, "role"), (6, "answer"),
            (7, "at"),
        ]  # fmt: skip
        with site.database.read() as conn:
            row, other = predictions.get(conn, "a"), predictions.get(conn, "b")
        assert (row.inputs, row.answer) == ({"age": 41}, {"probability": 0.25, "prediction": 0})
        assert (row.entity, row.role, row.at) == ("c7", "champion", site.now)
        assert (other.role, other.environment) == ("challenger", "production")
        assert import_predictions(
            site.workspace, path, model=MODEL, version=1
        ).counts == {"stored": 0, "repeated": 2}  # fmt: skip

    def test_a_file_is_taken_in_portions_and_only_the_first_problems_are_told(
        self, deployed, tmp_path, monkeypatch
    ):
        monkeypatch.setattr(importing, "_PORTION", 7)
        monkeypatch.setattr(importing, "_TOLD", 3)
        path = tmp_path / "labels.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["prediction_id", "label"])
            writer.writerows([[f"p{n}", n % 2] if n % 10 else ["", 1] for n in range(100)])
        done = import_labels(deployed.workspace, path)
        assert (done.rows, done.taken, done.refused, len(done.problems)) == (100, 90, 10, 3)
        assert counts(deployed).unknown == 90

    def test_what_is_no_table_is_refused_as_a_whole(self, deployed, tmp_path):
        (tmp_path / "twice.csv").write_text("label,label\n1,2\n")
        (tmp_path / "l.csv.gz").write_bytes(b"not gzip")
        (tmp_path / "empty.csv").write_bytes(b"")
        for name, error in (
            ("l.txt", UsageError), ("none.csv", SourceNotFound), ("twice.csv", BadInput),
            ("l.csv.gz", BadInput), ("empty.csv", BadInput),
        ):  # fmt: skip
            with pytest.raises(error):
                import_labels(deployed.workspace, Path(tmp_path / name))

    def test_a_table_of_other_columns_is_refused_once_and_not_row_by_row(self, deployed, tmp_path):
        path = tmp_path / "other.csv"
        path.write_text("id,label\n" + "a,1\n" * 200)
        with pytest.raises(BadInput) as refused:
            import_labels(deployed.workspace, path)
        assert refused.value.message.endswith(
            "there is no column prediction_id; nothing is known of a column id; found: id, label"
        )
        path.write_text("id,when,input.age,model\n" + "a,2026-01-01,4,m\n" * 200)
        with pytest.raises(BadInput) as refused:
            import_predictions(deployed.workspace, path, version=1)
        assert refused.value.message.endswith(
            "there is no column at, answer; nothing is known of a column when;"
            " found: id, when, input.age, model"
        )
        assert acts(deployed, "labels.imported") == acts(deployed, "predictions.imported") == []


def test_counts_name_coverage_and_age_of_labels_by_version_and_role(deployed):
    site, start = deployed, deployed.now
    given = [made(name, start + timedelta(minutes=n)) for n, name in enumerate("abcd")]
    given.append(made("e", start, role="challenger"))
    site.now += timedelta(hours=1)
    take_predictions(site.workspace, given)
    site.now = start + timedelta(hours=6)
    take_labels(site.workspace, [told("a", 1, site.now), told("b", 1, site.now)], source="k")
    take_labels(site.workspace, [told("zz", 1, site.now)], source="k")
    found = counts(site)
    assert found.unknown == 1
    challenger, champion = found.counted
    assert (champion.model, champion.environment, champion.coverage) == (MODEL, "production", 0.5)
    assert champion.label_age_hours == pytest.approx(6 - 0.5 / 60)
    assert champion.tally.newest == start + timedelta(minutes=1)
    assert (challenger.coverage, challenger.label_age_hours) == (0.0, None)
    assert counts(site, days=0).counted == ()
    only = statistics(site.workspace, since=start, until=site.now, model="other")
    assert only.counted == ()


def test_old_predictions_go_with_their_labels_and_the_ledger_says_so(deployed):
    site, start = deployed, deployed.now
    site.now += timedelta(days=3)
    given = [made(f"{n}", start + timedelta(days=n)) for n in range(4)]
    take_predictions(site.workspace, given)
    take_labels(site.workspace, [told(f"{n}", 1, site.now) for n in range(4)], source="k")
    take_labels(site.workspace, [told("unknown", 1, start)], source="k")
    site.now += timedelta(days=1)
    age = timedelta(days=2, hours=12)
    assert prune(site.workspace, age, dry_run=True) == Pruned(2, 2, 0)
    assert acts(site, "predictions.pruned") == []
    assert prune(site.workspace, age) == Pruned(2, 2, 0)
    (entry,) = acts(site, "predictions.pruned")
    assert (entry.subject, entry.details["predictions"], entry.details["labels"]) == (MODEL, 2, 2)
    assert prune(site.workspace, age) == Pruned(0, 0, 0)
    site.now += timedelta(days=30)
    assert prune(site.workspace, age) == Pruned(2, 2, 1)
    (entry,) = acts(site, "labels.pruned")
    assert entry.details == {"labels": 1}
