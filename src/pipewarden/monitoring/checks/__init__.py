"""Pipelines and services: from what is stored and what answered to observations.

Every function is pure. What could not be had is not computable, with the reason, and never well.
"""
