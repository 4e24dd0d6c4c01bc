"""Addresses of the REST face; include them at the root, or below a prefix."""

from __future__ import annotations

from django.urls import path

from connectors.api.approvals import ApprovalsView
from connectors.api.connections import ConnectionsView, ConnectionView, OrderView
from connectors.api.description import SchemaView
from connectors.api.detection import DetectView
from connectors.api.exchange import ExportView, ImportView, PresetsView
from connectors.api.nowhere import NowhereView
from connectors.api.settings import SettingsView
from connectors.api.trials import ModelsView, TrialView, UnsavedModelsView, UnsavedTrialView

app_name = "connectors_api"

urlpatterns = [
    path("wp/v2/settings", SettingsView.as_view(), name="settings"),
    path("connectors/v1/schema", SchemaView.as_view(), name="schema"),
    path("connectors/v1/connections", ConnectionsView.as_view(), name="connections"),
    path("connectors/v1/connections/test", UnsavedTrialView.as_view(), name="test_unsaved"),
    path("connectors/v1/connections/models", UnsavedModelsView.as_view(), name="models_unsaved"),
    path("connectors/v1/connections/<uuid:pk>", ConnectionView.as_view(), name="connection"),
    path("connectors/v1/connections/<uuid:pk>/test", TrialView.as_view(), name="test"),
    path("connectors/v1/connections/<uuid:pk>/models", ModelsView.as_view(), name="models"),
    path("connectors/v1/detect", DetectView.as_view(), name="detect"),
    path("connectors/v1/order", OrderView.as_view(), name="order"),
    path("connectors/v1/presets", PresetsView.as_view(), name="presets"),
    path("connectors/v1/approvals", ApprovalsView.as_view(), name="approvals"),
    path("connectors/v1/import", ImportView.as_view(), name="import"),
    path("connectors/v1/export", ExportView.as_view(), name="export"),
    path("connectors/v1/<path:rest>", NowhereView.as_view(), name="nowhere"),
]
