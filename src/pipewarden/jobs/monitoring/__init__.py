"""Monitoring at work: what is watched is looked at, judged, stored, and told."""
