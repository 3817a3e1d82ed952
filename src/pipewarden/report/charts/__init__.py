"""Charts as SVG text: drawn without a library, the same bytes for the same values.

Each function returns one ``<svg>`` element to stand in a page; `as_file` makes a file of it.
"""

from pipewarden.report.charts.bars import bars, histogram, histogram_pair
from pipewarden.report.charts.canvas import as_file
from pipewarden.report.charts.dots import calibration, scatter
from pipewarden.report.charts.lines import line_chart
from pipewarden.report.charts.sparkline import sparkline
from pipewarden.report.charts.values import Band, Bar, Dot, Mark, Place, Series

__all__ = [
    "Band",
    "Bar",
    "Dot",
    "Mark",
    "Place",
    "Series",
    "as_file",
    "bars",
    "calibration",
    "histogram",
    "histogram_pair",
    "line_chart",
    "scatter",
    "sparkline",
]
