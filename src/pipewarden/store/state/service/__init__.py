"""What the service keeps beside jobs: its runners, keys, rates and answers."""
