"""What the settings say of sinks is checked before anything runs, and no secret is repeated."""

from __future__ import annotations

import sys

import pytest

from pipewarden.delivery.sinks.enabled import enabled, spools_of
from pipewarden.errors import InvalidSettings, MissingExtra, UnknownName
from pipewarden.settings import REDACTED, Settings, load_settings

POSTGRESQL = {"kind": "postgresql", "url": "postgresql://u:tell-no-one@h/d"}


def test_sinks_come_in_order_of_their_names(tmp_path):
    held = {"b": {"kind": "jsonl", "folder": "b"}, "a": {"kind": "jsonl", "folder": "a"}}
    settings = Settings(home=tmp_path, sinks=held)
    assert [(sink.name, sink.sink.folder) for sink in enabled(settings)] == [
        ("a", tmp_path / "a"),
        ("b", tmp_path / "b"),
    ]
    assert [sink.name for sink in enabled(settings, ("b",))] == ["b"]
    assert spools_of(settings) == tmp_path / ".pipewarden" / "spool"


def test_the_environment_may_name_them(monkeypatch, tmp_path):
    monkeypatch.setenv("PIPEWARDEN_SINKS__ARCHIVE__KIND", "jsonl")
    monkeypatch.setenv("PIPEWARDEN_SINKS__ARCHIVE__FOLDER", "a")
    assert [sink.kind for sink in enabled(load_settings(home=tmp_path))] == ["jsonl"]


def test_secrets_of_sinks_are_shown_nowhere():
    settings = Settings(sinks={"pg": POSTGRESQL, "es": {"api_key": "x", "password": "y"}})
    shown = settings.redacted()["sinks"]
    assert shown["pg"]["url"] == f"postgresql://u:{REDACTED}@h/d"
    assert shown["es"] == {"api_key": REDACTED, "password": REDACTED}
    assert "tell-no-one" not in repr(enabled(Settings(sinks={"pg": POSTGRESQL})))


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ({"a": {"kind": "printer"}}, "known: jsonl, postgresql, elasticsearch"),
        ({"a": {}}, "kind None"),
        ({"../a": {"kind": "jsonl", "folder": "x"}}, "cannot name a sink"),
        ({"a": {"kind": "jsonl"}}, "folder is missing"),
        ({"a": {"kind": "jsonl", "folder": "x", "fold": 1}}, "fold: Extra inputs"),
        ({"a": {"kind": "jsonl", "folder": "x", "file": "all.jsonl"}}, "{date}"),
        ({"a": {"kind": "jsonl", "folder": "x", "file": "x/{date}"}}, "name of a file"),
        ({"a": {**POSTGRESQL, "pool_min": 30}}, "pool_max is less"),
        ({"a": {**POSTGRESQL, "url": "no url tell-no-one"}}, "no URL of a PostgreSQL"),
        ({"a": {"kind": "elasticsearch", "url": "tell-no-one"}}, "url does not read"),
        ({"a": {"kind": "elasticsearch", "url": "http://h:1", "index": "A B"}}, "index"),
        ({"a": {"kind": "jsonl", "folder": "x", "timeout": 0}}, "timeout"),
    ],
)
def test_what_does_not_hold_is_refused(held, said):
    with pytest.raises(InvalidSettings) as refused:
        enabled(Settings(sinks=held))
    assert said in refused.value.diagnostics()
    assert "tell-no-one" not in refused.value.diagnostics()


def test_a_name_that_is_none_is_refused():
    with pytest.raises(UnknownName, match="there is no sink 'b'"):
        enabled(Settings(sinks={"a": {"kind": "jsonl", "folder": "a"}}), ("b",))


@pytest.mark.parametrize(
    ("kind", "client"), [("postgresql", "psycopg_pool"), ("elasticsearch", "elasticsearch")]
)
def test_a_client_that_is_not_installed_is_named(monkeypatch, kind, client):
    monkeypatch.setitem(sys.modules, client, None)
    with pytest.raises(MissingExtra) as missing:
        enabled(Settings(sinks={"a": {**POSTGRESQL, "kind": kind}}))
    assert f"pipewarden[{kind}]" in missing.value.next_step
