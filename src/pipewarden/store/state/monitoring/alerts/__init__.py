"""Tables of alerts: incidents, who is told of them, and how jobs ended."""
