"""Commands that watch models and pipelines."""
