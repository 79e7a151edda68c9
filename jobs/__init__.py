"""The asynchronous job queue. Imports nothing, so that `python -m jobs.health.workers` starts quickly."""
