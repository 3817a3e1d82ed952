"""What carries tasks to where they are worked on: this process, or a pool of worker processes."""
