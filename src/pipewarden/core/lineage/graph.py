"""A graph of what came from what: files, datasets, runs, versions, deployments, predictions.

An edge leads from what was made to what it was made from. Followed along its edges, a thing shows
its origins; followed against them, what became of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a node is."""

    PREDICTION = "prediction"
    DEPLOYMENT = "deployment"
    #: A version that was tried beside the one that was deployed.
    CHALLENGER = "challenger"
    APPROVAL = "approval"
    VERSION = "version"
    #: What a run published of an item: a file, a line of a file, or a model document.
    DOCUMENT = "document"
    VERDICT = "verdict"
    DATASET = "dataset"
    RUN = "run"
    CONFIG = "config"
    COMMIT = "commit"
    #: A file or a record, as its bytes were when it was read.
    INPUT = "input"
    #: So many more of the same kind, which are not listed.
    MORE = "more"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One thing.

    Parameters
    ----------
    id
        Unique in the graph, and where possible what ``pipewarden trace`` takes.
    name
        How a person knows it.
    facts
        What else is known, in the order in which it is told.
    """

    id: str
    kind: Kind
    name: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Edge:
    """``made`` came from ``origin``.

    Parameters
    ----------
    backwards, forwards
        The relation in words, read from ``made`` and from ``origin``.
    """

    made: str
    origin: str
    backwards: str
    forwards: str


@dataclass(frozen=True, slots=True)
class Branch:
    """A node of a tree, how it is reached, and what is reached from it.

    Parameters
    ----------
    relation
        In words; empty at the root.
    seen
        Whether the node stands further up in the tree already, with its facts and branches.
    """

    node: Node
    relation: str = ""
    branches: tuple[Branch, ...] = ()
    seen: bool = False


class Lineage:
    """Nodes and edges, each once, in the order in which they were learnt."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.edges: list[Edge] = []
        self._known: set[tuple[str, str]] = set()

    def __contains__(self, node_id: str) -> bool:
        return node_id in self.nodes

    def add(self, node: Node) -> Node:
        """Learn of a thing; what is known of it already stays."""
        return self.nodes.setdefault(node.id, node)

    def link(self, made: Node, origin: Node, backwards: str, forwards: str) -> None:
        """Learn that a thing came from another."""
        self.add(made)
        self.add(origin)
        if (made.id, origin.id) not in self._known:
            self._known.add((made.id, origin.id))
            self.edges.append(Edge(made.id, origin.id, backwards, forwards))

    def origins(self, node_id: str) -> Branch:
        """Return the tree of what a thing came from."""
        steps: dict[str, list[tuple[str, str]]] = {}
        for edge in self.edges:
            steps.setdefault(edge.made, []).append((edge.origin, edge.backwards))
        return self._tree(node_id, steps)

    def results(self, node_id: str) -> Branch:
        """Return the tree of what became of a thing."""
        steps: dict[str, list[tuple[str, str]]] = {}
        for edge in self.edges:
            steps.setdefault(edge.origin, []).append((edge.made, edge.forwards))
        return self._tree(node_id, steps)

    def reached(self, node_id: str) -> Lineage:
        """Return the part that a thing came from, or that came from it."""
        part = Lineage()
        kept: set[str] = set()
        for branch in (self.origins(node_id), self.results(node_id)):
            _collect(branch, kept)
        for edge in self.edges:
            if edge.made in kept and edge.origin in kept:
                made, origin = self.nodes[edge.made], self.nodes[edge.origin]
                part.link(made, origin, edge.backwards, edge.forwards)
        part.add(self.nodes[node_id])
        return part

    def _tree(self, root: str, steps: Mapping[str, list[tuple[str, str]]]) -> Branch:
        seen: set[str] = set()

        def grown(node_id: str, relation: str) -> Branch:
            node = self.nodes[node_id]
            if node_id in seen:
                return Branch(node, relation, seen=True)
            seen.add(node_id)
            branches = tuple(grown(other, words) for other, words in steps.get(node_id, ()))
            return Branch(node, relation, branches)

        return grown(root, "")


def _collect(branch: Branch, kept: set[str]) -> None:
    kept.add(branch.node.id)
    for one in branch.branches:
        _collect(one, kept)
