"""The commands of models: look, deploy, approve, roll back."""
