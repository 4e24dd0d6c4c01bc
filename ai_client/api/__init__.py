"""The REST face of the AI client. Needs djangorestframework and drf-spectacular, as the
connectors' does; nothing else of this package imports them."""
