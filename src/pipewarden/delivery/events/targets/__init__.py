"""One module a kind of target; each imports its client when a target of its kind is opened."""
