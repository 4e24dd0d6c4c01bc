"""Which environment variable may hold the key of a connection."""

from __future__ import annotations

import re
from typing import Final, NoReturn

from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from connectors.credentials import own_origins
from connectors.errors import FieldError
from connectors.values import ConnectorType, EnvironmentKey

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
_SITE_SECRETS: Final = {
    "DATABASE_URL",
    "KONEEK_ENCRYPTION_KEYS",
    "REDIS_URL",
    "SECRET_KEY",
    "SECRET_KEY_FALLBACKS",
}


@sensitive_variables()
def usable_name(key: EnvironmentKey, connector: ConnectorType, origin: str) -> str:
    """The variable's name, if a connection that goes to ``origin`` may have its key there.

    Somebody on the server may name any variable but the site's own secrets. Who sends a request
    may name the provider's own, or one that begins with that name, and only for the provider's own
    address; otherwise any secret of the server could be had sent anywhere.

    Raises FieldError. It quotes no name that is not known: it may be a key in the wrong place.
    """
    if not _NAME.fullmatch(key.name):
        _refuse(_("The api_key names no environment variable."))
    if key.name in _SITE_SECRETS:
        _refuse(_("The api_key must not be the site's own %(name)s.") % {"name": key.name})
    if key.by_request:
        _require_own(key.name, connector, origin)
    return key.name


@sensitive_variables()
def _require_own(name: str, connector: ConnectorType, origin: str) -> None:
    own = connector.env_var_name
    if not own:
        _refuse_request(
            _("The key cannot be in a variable: %(provider)s has none.")
            % {"provider": connector.name}
        )
    if name != own and not name.startswith(f"{own}_"):
        _refuse_request(
            _("The variable must be %(variable)s, or one whose name begins with %(variable)s_.")
            % {"variable": own}
        )
    if origin not in own_origins(connector):
        _refuse_request(
            _(
                "A variable's key goes to %(provider)s's own address only, and this connection has "
                "another one: type the key."
            )
            % {"provider": connector.name}
        )


def _refuse_request(why: str) -> NoReturn:
    way_out = _("Any other variable is declared with apply_connections, on the server.")
    _refuse(f"{why} {way_out}")


def _refuse(what: str) -> NoReturn:
    raise FieldError(what, field="api_key")
