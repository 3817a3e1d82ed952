"""Models: what a family is asked for, and the life of a version and of its deployments."""
