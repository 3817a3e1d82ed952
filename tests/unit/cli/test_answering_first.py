"""What changes what serves answers first; the registry learns of it when the answer is out."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from pipewarden.app.cli.commands.models.answering import answering_first
from pipewarden.jobs.models import context as contexts
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings


@dataclass
class Slow:
    """A registry that notes when it was told of what."""

    order: list[str] = field(default_factory=list)
    name: str = "the registry"

    def changed(self, models):
        self.order.append(f"told of {', '.join(models)}")
        return ["a, version 2: it is another's"]

    def reconcile(self):
        return [], []


@pytest.fixture
def registry(monkeypatch):
    slow = Slow()
    monkeypatch.setattr(contexts, "Registry", lambda _: slow)
    return slow


@pytest.fixture
def workspace(tmp_path):
    made = Workspace(Settings(home=tmp_path))
    yield made
    made.database.close()


def test_the_registry_is_told_after_the_command_of_each_model_once(workspace, registry, capsys):
    with answering_first(workspace, json=False) as context:
        assert context.tell(["a", "b"]) == ()
        assert context.tell(["a"]) == ()
        registry.order.append("answered")
    assert registry.order == ["answered", "told of a, b"]
    assert "the registry does not show a, version 2" in capsys.readouterr().out


def test_what_a_command_changed_before_it_failed_is_told(workspace, registry):
    with pytest.raises(KeyError), answering_first(workspace, json=False) as context:
        context.tell(["a"])
        raise KeyError
    assert registry.order == ["told of a"]


def test_where_nothing_changed_the_registry_is_not_even_opened(workspace, registry):
    with answering_first(workspace, json=False):
        pass
    assert registry.order == []


def test_one_json_document_says_it_all(workspace, registry):
    with answering_first(workspace, json=True) as context:
        (notice,) = context.tell(["a"])
    assert "a, version 2" in notice
    assert registry.order == ["told of a"]
