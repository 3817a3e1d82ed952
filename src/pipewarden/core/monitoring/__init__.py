"""What is observed of models, pipelines and services, and what follows: values and rules."""
