"""The graph of what came from what, and how it is shown."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, strategies as st

from pipewarden.core.lineage.graph import Kind, Lineage, Node
from pipewarden.report import lineage as shown


def node(name: str, kind: Kind = Kind.DOCUMENT, **facts: object) -> Node:
    return Node(id=name, kind=kind, name=name, facts=facts)


@pytest.fixture
def graph() -> Lineage:
    """Two files make a dataset, which trains two versions; one of them answers."""
    held = Lineage()
    data, first, second = node("data", Kind.DATASET), node("m@1"), node("m@2", metrics={"auc": 1})
    for name in ("a.csv", "b.csv"):
        held.link(data, node(name, Kind.INPUT), "read from", "read as")
    held.link(first, data, "trained on", "trained")
    held.link(second, data, "trained on", "trained")
    held.link(node("p", Kind.PREDICTION), second, "answered by", "answered")
    return held


def test_origins_and_results_are_the_two_ways_through_one_graph(graph):
    assert list(shown.lines(graph, "p")) == [
        "prediction p",
        "",
        "came from",
        "└─ answered by document m@2 (metrics auc=1)",
        "   └─ trained on dataset data",
        "      ├─ read from input a.csv",
        "      └─ read from input b.csv",
    ]
    assert list(shown.lines(graph, "a.csv"))[-4:] == [
        "└─ read as dataset data",
        "   ├─ trained document m@1",
        "   └─ trained document m@2 (metrics auc=1)",
        "      └─ answered prediction p",
    ]


def test_the_part_of_a_thing_leaves_out_what_has_nothing_to_do_with_it(graph):
    part = graph.reached("m@1")
    assert set(part.nodes) == {"m@1", "data", "a.csv", "b.csv"}


def test_what_is_reached_twice_is_told_once(graph):
    graph.link(graph.nodes["p"], graph.nodes["data"], "about", "asked")
    text = "\n".join(shown.lines(graph, "p"))
    assert text.count("input a.csv") == 1
    assert "about dataset data (see above)" in text


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=40))
def test_any_graph_has_trees_that_end_even_one_with_circles(pairs):
    held = Lineage()
    for made, origin in pairs:
        held.link(node(str(made)), node(str(origin)), "from", "to")
    for name in held.nodes:
        assert list(shown.lines(held, name))
        assert name in held.reached(name).nodes


@given(st.text(max_size=30))
def test_no_name_can_leave_its_box_in_a_diagram(name):
    held = Lineage()
    held.link(node("x" + name), node("origin"), "from", f"to {name}")
    text = shown.mermaid(held)
    for line in text.splitlines()[1:]:
        assert re.fullmatch(r'  n\d+\["[^"\[\]<>|]*"\]|  n\d+ -->\|"[^"\[\]<>|]*"\| n\d+', line)


def test_a_name_cannot_play_with_the_terminal():
    held = Lineage()
    held.link(node("a\x1b[31m\nb"), node("o"), "from", "to")
    for line in shown.lines(held, "a\x1b[31m\nb"):
        assert "\x1b" not in line
        assert "\n" not in line
