"""One tree of settings, the same names everywhere, and overrides that merge."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

import pipewarden as pw
from pipewarden.pipelines.articles.settings import RuleSettings, article_settings, merged
from pipewarden.settings import load_settings

NAMES = list(RuleSettings.model_fields)


def test_every_rule_works_by_default() -> None:
    assert all(article_settings().rules.model_dump().values())


@given(st.dictionaries(st.sampled_from(NAMES), st.booleans()))
def test_an_override_changes_what_it_names_and_nothing_else(rules: dict[str, bool]) -> None:
    base = article_settings({"rules": {"quotes": False}, "entities": {"batch_size": 9}})
    before = base.model_dump()
    changed = merged(base, {"rules": rules})
    assert base.model_dump() == before
    assert changed.model_dump() == {**before, "rules": {**before["rules"], **rules}}


def test_paths_and_nested_names_mean_the_same() -> None:
    nested = article_settings({"rules": {"typos": False}, "typos": {"min_confidence": 0.95}})
    paths = article_settings({"rules.typos": "false", "typos.min_confidence": "0.95"})
    assert nested == paths


def test_no_override_gives_the_same_settings() -> None:
    base = article_settings()
    assert merged(base, {}) is base


def test_the_file_the_environment_and_the_command_line_use_the_same_names(
    tmp_path: Path, monkeypatch: Any
) -> None:
    (tmp_path / "pipewarden.yaml").write_text(
        "pipelines: {articles: {rules: {typos: false, quotes: false}}}", encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIPEWARDEN_PIPELINES__ARTICLES__RULES__UNITS", "false")
    configured = article_settings(load_settings().pipelines["articles"])
    asked = merged(configured, {"rules.typos": True})
    off = {name for name in NAMES if not getattr(asked.rules, name)}
    assert off == {"quotes", "units"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"rules": {"typoes": True}}, "rules.typoes: no such setting; did you mean typos?"),
        ({"rule.typos": True}, "did you mean rules?"),
        ({"typos": {"min_confidenc": 1}}, "did you mean min_confidence?"),
        ({"zzz": 1}, "known are rules"),
        ({"rules": {"typos": "perhaps"}}, "rules.typos"),
        ({"rules": 3}, "rules"),
        ({"entities.batch_size": 0}, "entities.batch_size"),
        ({"language": "English"}, "language"),
    ],
)
def test_what_is_unknown_or_wrong_is_told_by_name(given: dict[str, Any], said: str) -> None:
    with pytest.raises(pw.InvalidSettings) as caught:
        article_settings(given)
    assert said in caught.value.message


def test_settings_cannot_be_changed_in_place() -> None:
    with pytest.raises(ValueError, match="frozen"):
        article_settings().rules.typos = False  # type: ignore[misc]


def test_what_changes_no_output_makes_nothing_stale(tmp_path: Path) -> None:
    plain = article_settings().output_settings()
    assert article_settings({"entities.batch_size": 9}).output_settings() == plain
    stale = [{f"rules.{name}": False} for name in NAMES]
    stale += [{"language": "en"}, {"typos.dictionary": ["teh"]}, {"entities.enabled": False}]
    outputs = [article_settings(one).output_settings() for one in stale]
    assert all(one != two for one, two in itertools.combinations([plain, *outputs], 2))


def test_another_content_of_the_dictionary_makes_everything_stale(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("one\n", encoding="utf-8")
    given = {"typos": {"dictionary_file": str(words)}}
    before = article_settings(given).output_settings()
    words.write_text("two\n", encoding="utf-8")
    assert article_settings(given).output_settings() != before
