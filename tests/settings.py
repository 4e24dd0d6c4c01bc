"""The site's settings as the tests run them: a key, no redirect to HTTPS, a database of its own.

The variables are set before the site's settings read them, and programs that a test starts
inherit them.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_scratch = Path(tempfile.mkdtemp(prefix="koneek-tests-"))
atexit.register(shutil.rmtree, _scratch, ignore_errors=True)

# pytest-xdist's processes begin with the variables of the one that started them. Each is a site of
# its own: by its key, which its names in Redis are made of, and by its spool.
_worker = os.environ.get("PYTEST_XDIST_WORKER", "")
os.environ["SECRET_KEY"] = f"the-key-of-the-tests-{_worker}-" + "x" * 40
os.environ["AI_CLIENT_SPOOL_DIR"] = str(_scratch / "spool")
os.environ.setdefault("HTTPS_ONLY", "false")
os.environ.pop("DEBUG", None)
# Tests that count in Redis say so, and in which one.
os.environ.pop("REDIS_URL", None)

from koneek_site.settings import *  # noqa: E402, F403
from koneek_site.settings import DATABASES  # noqa: E402

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, because SQLite's shared memory database ignores the busy timeout between threads.
    DATABASES["default"]["TEST"] = {"NAME": str(_scratch / "test.sqlite3")}

STATIC_ROOT = _scratch / "static"
STATIC_ROOT.mkdir()
# Tests say themselves when the log is written and when changed configuration is looked for.
AI_CLIENT = {"LOG_WRITER": "manual", "CONFIGURATION_POLL": 0}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
