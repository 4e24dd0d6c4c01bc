"""The admin that the office's people log in to; Django's own is not mounted anywhere."""

from __future__ import annotations

from django.contrib.admin import AdminSite

site = AdminSite(name="office")
site.site_header = "The Office"
