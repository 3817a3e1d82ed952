"""Pipelines and services: their facts gathered, each for itself, whatever fails beside it."""
