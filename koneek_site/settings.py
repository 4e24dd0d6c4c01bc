"""Settings of the site, all of them from the environment; README.md has the table.

Nothing but ``SECRET_KEY`` is required, and with ``DEBUG=true`` not even that.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = BASE_DIR / "var"

env = environ.Env()

DEBUG = env.bool("DEBUG", default=False)

SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY:
    if not DEBUG:
        raise ImproperlyConfigured(
            "The environment variable SECRET_KEY is not set. Give it a long random text, for "
            'example what `python -c "import secrets; print(secrets.token_urlsafe(50))"` prints, '
            "and keep it: stored API keys may depend on it. For a trial on your own machine set "
            "DEBUG=true instead."
        )
    SECRET_KEY = "for-development-only-known-to-everybody-and-good-for-nothing-else"
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", default=[])

ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=[])

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "rest_framework.authtoken",
    "drf_spectacular",
    "connectors",
    "ai_client",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "koneek_site.urls"
ASGI_APPLICATION = "koneek_site.asgi.application"
WSGI_APPLICATION = "koneek_site.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]


def database(url: str) -> dict[str, Any]:
    """The Django database that ``url`` names, with the options that this site relies on.

    SQLite: write-ahead logging, so that readers never wait for the batch writer; transactions
    that take the write lock when they begin, because one that upgrades later fails at once
    instead of waiting (https://www.sqlite.org/lang_transaction.html); 20 s of patience for it.

    Other databases: no persistent connections. Under ASGI each request has a thread of its own, so
    none would ever be used again (https://docs.djangoproject.com/en/5.2/ref/databases/).
    """
    settings: dict[str, Any] = env.db_url_config(url)
    if settings["ENGINE"] == "django.db.backends.sqlite3":
        settings["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        }
    return settings


# In lower case, for it is no setting: Django's pages about errors would show its password.
_database_url = env.str("DATABASE_URL", default="")
if not _database_url:
    DATA_DIR.mkdir(exist_ok=True)
    _database_url = f"sqlite:///{DATA_DIR / 'db.sqlite3'}"
DATABASES = {"default": database(_database_url)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LANGUAGE_CODE = "en"
# What the apps are translated into; another one would leave pages half in English.
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
if DEBUG:
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True

HTTPS_ONLY = env.bool("HTTPS_ONLY", default=not DEBUG)
SECURE_SSL_REDIRECT = HTTPS_ONLY
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS_ONLY else 0
SESSION_COOKIE_SECURE = HTTPS_ONLY
CSRF_COOKIE_SECURE = HTTPS_ONLY
SESSION_COOKIE_HTTPONLY = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Whether every other name of the owner's domain speaks HTTPS is not this site's to promise.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

KONEEK_ENCRYPTION_KEYS = env.str("KONEEK_ENCRYPTION_KEYS", default="")
# Where run_site's simulated upstreams are, so that other commands reach them too.
_simulator = ["127.0.0.1:9100"] if DEBUG else []
KONEEK_ALLOW_PRIVATE_HOSTS: list[str] = env.list("KONEEK_ALLOW_PRIVATE_HOSTS", default=_simulator)
AI_CLIENT_SPOOL_DIR = env.str("AI_CLIENT_SPOOL_DIR", default=str(DATA_DIR / "spool"))
# What the apps can be told beyond that is in connectors/conf.py and ai_client/conf.py.
CONNECTORS: dict[str, Any] = {}
AI_CLIENT: dict[str, Any] = {}

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"redaction": {"()": "ai_client.log.redaction.RedactingFilter"}},
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["redaction"],
        },
    },
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "httpx": {"level": "WARNING"},
    },
}
