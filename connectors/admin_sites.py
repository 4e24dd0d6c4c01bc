"""Which admin site the page belongs to: its login, its look, its links."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.admin import AdminSite
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from connectors import conf


def admin_site() -> AdminSite:
    """The site at the dotted path in ``CONNECTORS["ADMIN_SITE"]``; without one, Django's default.

    Raises ImproperlyConfigured where the path leads to something else.
    """
    path = conf.from_settings(conf.ADMIN_SITE)
    if not path:
        return admin.site
    try:
        site = import_string(path)
    except ImportError as error:
        raise ImproperlyConfigured(
            f"CONNECTORS['ADMIN_SITE'] is {path!r}, which cannot be imported: {error}"
        ) from error
    if not isinstance(site, AdminSite):
        raise ImproperlyConfigured(
            f"CONNECTORS['ADMIN_SITE'] is {path!r}, which is no AdminSite. Name the object that "
            "the site's URLs come from, as in 'project.admin.site'."
        )
    return site
