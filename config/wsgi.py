"""Provide the WSGI application that gunicorn serves."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django_application = get_wsgi_application()

from crm.http.bodies import WholeBodies  # noqa: E402  # this import needs the apps

application = WholeBodies(django_application)
get_resolver().url_patterns  # noqa: B018 - loads every view now, so that the first request need not wait
# Objects that live as long as the process are left out of garbage collection, which saves tens of milliseconds a time.
gc.collect()
gc.freeze()
