"""The Connectors page; include it where it should be: ``path("settings/connectors/", ...)``."""

from __future__ import annotations

from django.urls import path

from connectors import approval_views, service_views, views

app_name = "connectors_page"
urlpatterns = [
    path("", views.index, name="index"),
    path("new/", views.new, name="new"),
    path("new/test/", views.trial, name="test_new"),
    path("new/models/", views.models, name="models_new"),
    path("fields/", views.declared_fields, name="fields"),
    path("approvals/", approval_views.index, name="approvals"),
    path("order/", views.order, name="order"),
    path("undo/", views.undo, name="undo"),
    path("services/<slug:slug>/", service_views.service, name="service"),
    path("<uuid:connection_id>/", views.connection, name="connection"),
    path("<uuid:connection_id>/test/", views.trial, name="test"),
    path("<uuid:connection_id>/models/", views.models, name="models"),
    path("<uuid:connection_id>/enabled/", views.enable, name="enable"),
    path("<uuid:connection_id>/move/", views.move, name="move"),
    path("<uuid:connection_id>/delete/", views.delete, name="delete"),
]
