"""From what is known of a model to a decision that is written down."""
