"""What the relay keeps in the state database: where each target stands, and what it lacks."""
