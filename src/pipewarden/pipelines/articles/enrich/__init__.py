"""Enrichment: names, language, dates and size of a text."""
