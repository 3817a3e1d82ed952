"""The drawing itself: SVG elements as text, the frame of a chart, its axes and its legend.

Ink is ``currentColor``, so that a chart in a page takes the page's own, light or dark. The other
colours are custom properties (``--chart-1`` …) whose defaults keep a contrast of 3:1 to both
black and white paper (WCAG 2.2, 1.4.11). Nothing is told by colour alone.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Literal, TypeAlias

from pipewarden.report.charts.scale import Scale, Tick
from pipewarden.report.untrusted import visible

#: The drawing's own units. At this width one unit is one pixel of a small telephone.
WIDTH, PLOT_HEIGHT = 400.0, 170.0
SMALL, LETTER = 11, 6.1
_EDGE, _LEGEND_ROW, _TITLE_ROW, _TITLE_LETTERS, _NAME_LETTERS = 6.0, 16.0, 17.0, 52, 34
COLOURS = (
    "var(--chart-1, #2f7fd6)",
    "var(--chart-2, #c9610f)",
    "var(--chart-3, #2e8b57)",
    "var(--chart-4, #8b6fd6)",
)
WARNING = "var(--chart-mark, #d0453f)"
DASHES = ("", "6 3", "2 3", "8 3 2 3")
_FILE_STYLE = (
    "<style>svg{color:#1b1f24;background:#fff}"
    "@media (prefers-color-scheme:dark){svg{color:#e7eaee;background:#14171b}}</style>"
)

Swatch: TypeAlias = Literal["line", "area", "outline"]


def shown(text: str) -> str:
    """Return ``text`` safe to stand in SVG, with every invisible character made visible."""
    return escape(visible(text))


def clipped_name(text: str, letters: int = _NAME_LETTERS) -> str:
    """Return ``text`` short enough for a label."""
    return text if len(text) <= letters else text[: letters - 1] + "…"


def at(value: float) -> str:
    """Return a coordinate with at most one digit after the point."""
    return f"{round(value, 1) + 0.0:.1f}".removesuffix(".0")


def element(name: str, /, **attributes: object) -> str:
    """Return one empty element; floats are coordinates, ``_`` in a name stands for ``-``."""
    written = "".join(
        f' {key.replace("_", "-")}="{_written(value)}"'
        for key, value in attributes.items()
        if value != ""
    )
    return f"<{name}{written}/>"


def _written(value: object) -> str:
    return at(value) if isinstance(value, float) else escape(str(value))


def label(text: str, x: float, y: float, *, whole: str = "", **attributes: object) -> str:
    """Return a line of text whose baseline starts at ``x, y``; what was clipped is its title."""
    opened = element("text", x=x, y=y, fill="currentColor", **attributes)
    title = f"<title>{shown(whole)}</title>" if whole not in ("", text) else ""
    return f"{opened[:-2]}>{title}{shown(text)}</text>"


@dataclass(slots=True, kw_only=True)
class Canvas:
    """A chart in the making: its words at the top, its plot below them.

    Parameters
    ----------
    title
        Drawn, and the chart's name for a screen reader.
    description
        What a person who cannot see it should know.
    legend
        ``(name, kind, colour, dash)`` of what is drawn.
    """

    title: str
    description: str
    y_label: str = ""
    x_label: str = ""
    legend: Sequence[tuple[str, Swatch, str, str]] = ()
    plot_height: float = PLOT_HEIGHT
    left: float = 40.0
    parts: list[str] = field(default_factory=list)
    top: float = field(init=False)

    def __post_init__(self) -> None:
        y = _EDGE
        for row in textwrap.wrap(visible(self.title), _TITLE_LETTERS)[:3] or [""]:
            y += _TITLE_ROW
            self.parts.append(label(row, _EDGE, y - 3, font_size=13, font_weight=600))
        y = self._legend(y)
        if self.y_label:
            y += _LEGEND_ROW
            name = clipped_name(self.y_label, 58)
            self.parts.append(label(name, _EDGE, y - 3, font_size=SMALL, opacity="0.8"))
        self.top = y + _EDGE

    @property
    def right(self) -> float:
        """Where the plot ends on the right."""
        return WIDTH - 12.0

    @property
    def bottom(self) -> float:
        """Where the plot ends below."""
        return self.top + self.plot_height

    def _legend(self, y: float) -> float:
        x, row = _EDGE, y + _LEGEND_ROW
        for name, kind, colour, dash in self.legend:
            text = clipped_name(name)
            wide = 26 + LETTER * len(text)
            if x > _EDGE and x + wide > WIDTH:
                x, row = _EDGE, row + _LEGEND_ROW
            self.parts.append(_swatch(kind, x, row - 8, colour, dash))
            self.parts.append(label(text, x + 22, row - 4, font_size=SMALL))
            x += wide + 8
        return row if self.legend else y

    def y_axis(self, scale: Scale, ticks: Sequence[Tick]) -> None:
        """Draw the values of the y axis and a faint line at each."""
        for value, text in ticks:
            y = scale(value)
            self.parts.append(
                element(
                    "path",
                    d=f"M{at(self.left)} {at(y)}H{at(self.right)}",
                    stroke="currentColor",
                    stroke_opacity="0.15",
                )
            )
            self.parts.append(label(text, self.left - 4, y + 4, font_size=SMALL, text_anchor="end"))

    def x_axis(self, scale: Scale, ticks: Sequence[Tick]) -> None:
        """Draw the line under the plot and the values below it that have room."""
        y, taken = self.bottom, float("-inf")
        self.parts.append(
            element(
                "path",
                d=f"M{at(self.left)} {at(y)}H{at(self.right)}",
                stroke="currentColor",
                stroke_opacity="0.6",
            )
        )
        for value, text in ticks:
            x, half = scale(value), LETTER * len(text) / 2
            shift = max(0.0, half - x) - max(0.0, x + half - WIDTH)
            if x + shift - half < taken + 4:
                continue
            taken = x + shift + half
            self.parts.append(
                element(
                    "path", d=f"M{at(x)} {at(y)}v4", stroke="currentColor", stroke_opacity="0.6"
                )
            )
            self.parts.append(label(text, x + shift, y + 16, font_size=SMALL, text_anchor="middle"))

    def empty(self) -> None:
        """Say that nothing could be drawn."""
        x = (self.left + self.right) / 2
        y = (self.top + self.bottom) / 2
        self.parts.append(
            label("no data", x, y, font_size=SMALL, text_anchor="middle", opacity="0.8")
        )

    def svg(self) -> str:
        """Return the finished drawing as one element, fit to stand in a page."""
        height = self.bottom + 22 + (_LEGEND_ROW if self.x_label else 0)
        if self.x_label:
            name = clipped_name(self.x_label, 58)
            x = (self.left + self.right) / 2
            self.parts.append(
                label(name, x, height - 6, font_size=SMALL, text_anchor="middle", opacity="0.8")
            )
        return framed(self.title, self.description, "".join(self.parts), WIDTH, height)


def _swatch(kind: Swatch, x: float, y: float, colour: str, dash: str) -> str:
    if kind == "line":
        return element(
            "path", d=f"M{at(x)} {at(y)}h18", stroke=colour, stroke_width=2, stroke_dasharray=dash
        )
    filled = {"fill": colour, "fill_opacity": "0.35"} if kind == "area" else {"fill": "none"}
    return element("rect", x=x, y=y - 5, width=18.0, height=10.0, stroke=colour, **filled)


def framed(title: str, description: str, inner: str, width: float, height: float) -> str:
    """Return the SVG element around a drawing, named and described for a screen reader."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" width="{at(width)}"'
        f' height="{at(height)}" viewBox="0 0 {at(width)} {at(height)}"'
        ' font-family="system-ui, sans-serif" fill="none">'
        f"<title>{shown(title)}</title><desc>{shown(description)}</desc>"
        f"{inner}</svg>"
    )


def as_file(svg: str) -> str:
    """Return a chart as the text of a file of its own, light or dark as its reader likes."""
    start = svg.index("<title>")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{svg[:start]}{_FILE_STYLE}{svg[start:]}\n'
