"""Telling people: the ways by which a message about alerts reaches somebody."""
