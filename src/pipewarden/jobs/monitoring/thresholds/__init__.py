"""Thresholds: recommended from the past, told in a report, put in force on record."""
