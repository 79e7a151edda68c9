"""Run the asynchronous job queue. Imports nothing here, so that `python -m jobs.health.workers` starts quickly."""
