"""How candidates compete, what the winner's errors were, and how wide its intervals are."""
