"""Processes that answer requests with documents, so that the event loop never computes."""
