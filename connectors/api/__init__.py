"""The REST face. Needs djangorestframework and drf-spectacular; nothing else here imports them."""
