"""The permissions that the REST face takes."""

from __future__ import annotations

from typing import Final

VIEW: Final = "ai_client.view_gatewaykey"
ADD: Final = "ai_client.add_gatewaykey"
CHANGE: Final = "ai_client.change_gatewaykey"
DELETE: Final = "ai_client.delete_gatewaykey"
