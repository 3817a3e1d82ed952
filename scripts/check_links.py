"""Follow every relative link in the project's Markdown, headings included."""

# ruff: noqa: T201

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^(```|~~~).*?^\1|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def main() -> int:
    """Print the links that lead nowhere."""
    broken = broken_links(ROOT)
    print("\n".join(broken) or "every link leads somewhere")
    return 1 if broken else 0


def broken_links(root: Path) -> list[str]:
    """Return one sentence for each link to a file or a heading that is not there."""
    found = []
    for page in sorted([*root.glob("*.md"), *(root / "docs").rglob("*.md")]):
        for target in LINK.findall(CODE.sub("", page.read_text(encoding="utf-8"))):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, heading = target.partition("#")
            goal = (page.parent / path).resolve() if path else page
            if not goal.exists():
                found.append(f"{page.relative_to(root)}: no file {target}")
            elif heading and goal.suffix == ".md" and heading not in headings(goal):
                found.append(f"{page.relative_to(root)}: no heading {target}")
    return found


def headings(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as forges make them."""
    text = page.read_text(encoding="utf-8")
    fenced = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", fenced.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


if __name__ == "__main__":
    sys.exit(main())
