"""The site for WSGI servers; the gateway is served by its Django view there."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "koneek_site.settings")

application = get_wsgi_application()
