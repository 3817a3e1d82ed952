"""A lineage for people: a tree of text, a Mermaid diagram, and plain values for JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from pipewarden.core.lineage.graph import Branch, Kind, Lineage, Node
from pipewarden.report.untrusted import clipped, visible

#: Characters of a fact that are shown in the tree.
_LENGTH = 160
#: Kinds whose name already says what they are.
_PLAIN = frozenset({Kind.MORE})


def lines(lineage: Lineage, root: str) -> Iterator[str]:
    """Yield the lines of the tree: the thing itself, what it came from, what became of it."""
    node = lineage.nodes[root]
    yield _named(node)
    for name, value in node.facts.items():
        if value not in ("", None):
            yield f"  {name}: {_shown(value)}"
    for title, tree in (
        ("came from", lineage.origins(root)),
        ("led to", lineage.results(root)),
    ):
        if tree.branches:
            yield ""
            yield title
            yield from _branches(tree, "")


def _branches(branch: Branch, indent: str) -> Iterator[str]:
    for number, one in enumerate(branch.branches, 1):
        last = number == len(branch.branches)
        yield f"{indent}{'└─' if last else '├─'} {_line(one)}"
        yield from _branches(one, indent + ("   " if last else "│  "))


def _line(branch: Branch) -> str:
    said = f"{branch.relation} {_named(branch.node)}".strip()
    if branch.seen:
        return f"{said} (see above)"
    facts = ", ".join(
        f"{name} {_shown(value)}"
        for name, value in branch.node.facts.items()
        if value not in ("", None)
    )
    return f"{said} ({facts})" if facts else said


def _named(node: Node) -> str:
    name = visible(clipped(node.name, _LENGTH))
    return name if node.kind in _PLAIN else f"{node.kind} {name}"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        held = ", ".join(f"{name}={inner}" for name, inner in value.items())
        return visible(clipped(held, _LENGTH))
    return visible(clipped(str(value), _LENGTH))


def mermaid(lineage: Lineage) -> str:
    """Return the graph as a Mermaid flowchart, origins on the left."""
    numbers = {node_id: f"n{number}" for number, node_id in enumerate(lineage.nodes)}
    said = ["flowchart LR"]
    said += [
        f'  {numbers[node_id]}["{_escaped(_named(node))}"]'
        for node_id, node in lineage.nodes.items()
    ]
    said += [
        f'  {numbers[edge.origin]} -->|"{_escaped(edge.forwards)}"| {numbers[edge.made]}'
        for edge in lineage.edges
    ]
    return "\n".join(said) + "\n"


def _escaped(text: str) -> str:
    """Return text that can stand between quotation marks in Mermaid, whatever is in it."""
    return "".join(char if char.isalnum() or char in " .,:;/@_-()=+" else f"#{ord(char)};"
                   for char in clipped(text, 80))  # fmt: skip


def plain(lineage: Lineage, roots: Sequence[str]) -> dict[str, Any]:
    """Return the graph as plain values, and which of its nodes were asked for."""
    return {
        "roots": list(roots),
        "nodes": [asdict(node) for node in lineage.nodes.values()],
        "edges": [asdict(edge) for edge in lineage.edges],
    }
