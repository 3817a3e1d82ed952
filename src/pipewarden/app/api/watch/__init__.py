"""What the service needs, tried for real: inside of it, and outside."""
