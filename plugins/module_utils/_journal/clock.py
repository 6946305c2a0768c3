# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Timestamps of the journal: UTC, ISO 8601, sortable as text."""

from __future__ import annotations

import datetime

_FORM = "%Y-%m-%dT%H:%M:%S.%fZ"


def now() -> str:
    """The current time."""
    return _written(datetime.datetime.now(datetime.timezone.utc))


def ago(span: datetime.timedelta) -> str:
    """The timestamp of this long ago."""
    return _written(datetime.datetime.now(datetime.timezone.utc) - span)


def hour_before(timestamp: str) -> str:
    """An hour before a timestamp of the journal."""
    return _written(_read(timestamp) - datetime.timedelta(hours=1))


def hour_after(timestamp: str) -> str:
    """An hour after a timestamp of the journal."""
    return _written(_read(timestamp) + datetime.timedelta(hours=1))


def after(timestamp: str, seconds: float) -> str:
    """So many seconds after a timestamp of the journal."""
    return _written(_read(timestamp) + datetime.timedelta(seconds=seconds))


def seconds_between(earlier: str, later: str) -> float:
    """Seconds from one timestamp of the journal to another."""
    return (_read(later) - _read(earlier)).total_seconds()


def age(timestamp: str) -> float:
    """Seconds from a timestamp of the journal until now."""
    return (datetime.datetime.now(datetime.timezone.utc) - _read(timestamp)).total_seconds()


def for_people(timestamp: str) -> str:
    """A timestamp of the journal in a message."""
    return timestamp[:19].replace("T", " ") + " UTC"


def _written(timestamp: datetime.datetime) -> str:
    return timestamp.strftime(_FORM)


def _read(timestamp: str) -> datetime.datetime:
    # strptime takes ten times as long. Python 3.10 and earlier do not know "Z".
    return datetime.datetime.fromisoformat(timestamp[:-1] + "+00:00")
