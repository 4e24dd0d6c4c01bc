#!/usr/bin/env python
"""The command line of the site."""

import os
import sys


def main() -> None:
    """Runs one management command with the site's settings."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "koneek_site.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
