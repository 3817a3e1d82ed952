"""What is outside and may be gone for a while: when it is tried again."""
