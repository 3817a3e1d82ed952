"""The rules of alerts: what is wrong, who is told when, and in which words."""
