"""Models judged: their windows, one after another, against what was frozen with the version."""
