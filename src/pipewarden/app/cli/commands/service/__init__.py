"""The commands of the service: ``serve``, ``worker`` and ``keys``."""
