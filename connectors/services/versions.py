"""The transaction that every write happens in, and the version that it moves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from django.db import router, transaction
from django.db.models import F

from connectors.models import ConfigurationVersion
from connectors.signals import configuration_changed


@contextmanager
def writing() -> Iterator[str]:
    """A transaction in which nobody else writes configuration; yields the database's alias.

    The first statement is a write, so that SQLite takes its write lock and PostgreSQL and MariaDB
    lock the row before anything is read.
    """
    database = router.db_for_write(ConfigurationVersion)
    row = ConfigurationVersion.objects.using(database).filter(pk=ConfigurationVersion.SINGLE)
    with transaction.atomic(using=database):
        if not row.update(version=F("version")):
            first = [ConfigurationVersion(pk=ConfigurationVersion.SINGLE)]
            ConfigurationVersion.objects.using(database).bulk_create(first, ignore_conflicts=True)
            row.update(version=F("version"))
        yield database


@contextmanager
def rehearsal() -> Iterator[None]:
    """What is written inside is taken back at the end, and announced to nobody."""
    with writing() as database:
        yield
        transaction.set_rollback(True, using=database)


def bump_version() -> int:
    """Move the configuration's version and announce it after the commit; returns the new one.

    For every write of something that requests are served from, other apps' tables included.
    """
    with writing() as database:
        row = ConfigurationVersion.objects.using(database).filter(pk=ConfigurationVersion.SINGLE)
        row.update(version=F("version") + 1)
        version = row.values_list("version", flat=True).get()
        transaction.on_commit(partial(_announce, version), using=database)
    return version


def _announce(version: int) -> None:
    configuration_changed.send_robust(sender=ConfigurationVersion, version=version)
