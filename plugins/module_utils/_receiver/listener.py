# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""A complete receiver: journal, credentials, certificate, and server, which start and end together."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import typing as t

from .._errors import LicensingError
from .._journal.journal import Journal, open_journal
from .._text.addresses import as_place, is_path, why_refused_from_environment, without_passwords
from .aiohttp_dep import IS_THERE
from .commit import GroupCommit
from .receiver import Accepted, Log, OnRecorded, Receiver
from .server import Server
from .tls import Certificate

HOST = "127.0.0.1"
PORT = 9001
PATH = "/callback"

LOCK_PATIENCE = 20.0
"""Seconds to wait while another process writes to the journal. ThingSpace waits for the answer in the meantime."""


class ReceiverSettings(t.NamedTuple):
    """What to listen on. Its C(repr) leaves out the credentials.

    :param pairs: accepted usernames and passwords; none to accept everyone.
    """

    journal: str
    pairs: t.Sequence[tuple[str, str]]
    host: str = HOST
    port: int = PORT
    path: str = PATH
    certfile: str | None = None
    keyfile: str | None = None

    def __repr__(self) -> str:
        journal = without_passwords(self.journal)
        return f"ReceiverSettings({journal!r}, {self.host!r}, {self.port!r}, {self.path!r})"


@contextlib.asynccontextmanager
async def receiving(
    settings: ReceiverSettings, *, log: Log, on_recorded: OnRecorded | None = None
) -> t.AsyncIterator[Server]:
    """A running receiver, until the end of the block. Requests in progress are finished then.

    :raises LicensingError: it cannot start, and why.
    """
    _check(settings)
    certificate = Certificate(settings.certfile, settings.keyfile) if settings.certfile else None
    place = as_place(settings.journal)
    journal = os.path.abspath(place) if is_path(place) else place
    ending = threading.Event()

    def open_it() -> Journal:
        return open_journal(journal, write=True, told=ending.is_set, patience=LOCK_PATIENCE)

    commit = GroupCommit(open_it, journal)
    try:
        await commit.check()
        receiver = Receiver(commit, Accepted(settings.pairs), log=log, on_recorded=on_recorded)
        server = _listen(settings, receiver, certificate)
        try:
            yield server
        finally:
            # What has arrived is recorded, but a database that hangs gets only a few seconds more.
            ending.set()
            await server.stop()
    finally:
        ending.set()
        await commit.close()


def _listen(settings: ReceiverSettings, receiver: Receiver, certificate: Certificate | None) -> Server:
    try:
        return Server((settings.host, settings.port), settings.path, receiver, certificate)
    except OSError as error:
        raise LicensingError(
            f"It is not possible to listen on {settings.host} port {settings.port}: "
            f"{(error.strerror or 'the address cannot be used').partition(' (while')[0]}. Choose another host or port.",
            code="invalid_options",
        ) from None


def _check(settings: ReceiverSettings) -> None:
    if not IS_THERE:
        raise LicensingError(
            f"The Python library aiohttp, which receives callbacks, is not installed for {sys.executable}. Install it: "
            "python3 -m pip install aiohttp",
            code="missing_library",
        )
    wrong = ""
    from_environment = settings.journal == os.environ.get("THINGSPACE_JOURNAL")
    if not settings.journal.strip():
        wrong = "The journal is missing: name its file or database."
    elif from_environment and why_refused_from_environment(settings.journal):
        wrong = why_refused_from_environment(settings.journal)
    elif not 0 <= settings.port <= 65535:
        wrong = f"The port {settings.port} is none: ports go from 0 (any free one) to 65535."
    elif not settings.path.startswith("/") or settings.path == "/health" or not _PLAIN.issuperset(settings.path):
        wrong = "The path must start with a slash, contain letters, digits and -._~/ only, and not be /health."
    elif settings.keyfile and not settings.certfile:
        wrong = "A TLS key was given without a certificate."
    if wrong:
        raise LicensingError(wrong, code="invalid_options")


_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/")
