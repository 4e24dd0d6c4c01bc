"""The site below a path of its server: the gateway is found there too."""

from __future__ import annotations

import httpx
import pytest
from asgiref.sync import async_to_sync

from koneek_site.asgi import http


@async_to_sync
async def asked(path: str, root_path: str) -> httpx.Response:
    transport = httpx.ASGITransport(http, root_path=root_path)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        return await client.get(path)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("root_path", ["", "/site"])
def test_the_gateway_answers_below_the_servers_root_path(root_path: str) -> None:
    answer = asked(f"{root_path}/v1/models", root_path)
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "authentication_error"
    assert (
        asked(f"{root_path}/v1/nothing", root_path)
        .json()["error"]["message"]
        .startswith("The gateway does not serve /v1/nothing.")
    )
