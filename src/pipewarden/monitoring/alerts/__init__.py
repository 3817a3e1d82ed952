"""Alerts: from what was observed to the people who are to know of it."""
