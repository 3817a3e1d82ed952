"""The Celery executor: a job's runner sends chunks of tasks, workers elsewhere answer."""
