"""Watching: what models, pipelines and services do after they were let loose."""
