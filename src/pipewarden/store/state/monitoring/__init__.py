"""Tables of what is watched: labels, observations, incidents."""
