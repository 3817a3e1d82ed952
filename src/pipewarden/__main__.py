"""``python -m pipewarden`` is the command ``pipewarden``."""

from pipewarden.app.cli.main import entry

entry()
