"""The commands about what is delivered: ``events`` and ``sinks``."""
