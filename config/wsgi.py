"""The WSGI application that gunicorn serves."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django_application = get_wsgi_application()

from crm.http.bodies import WholeBodies  # noqa: E402  # it needs the apps

application = WholeBodies(django_application)
get_resolver().url_patterns  # noqa: B018 - loads every view, for which the first request would wait otherwise
# What lives as long as the process need not be looked through for garbage, which takes tens of milliseconds each time.
gc.collect()
gc.freeze()
