"""The CRM, and the Django project itself. Imports nothing: crm/worker_health.py is to be quick."""
