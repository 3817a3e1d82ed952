"""Healings whose candidates are trained by one job: models that are records of one table."""
