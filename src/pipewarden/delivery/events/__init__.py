"""Events: from the outbox to every enabled target, at least once and in order per subject."""
