"""Reports of checks: a page for people, JSON for machines, both from stored observations."""
