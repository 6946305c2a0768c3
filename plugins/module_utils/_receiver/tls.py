# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The receiver's certificate. A renewed certificate is loaded automatically."""

from __future__ import annotations

import contextlib
import os
import ssl

from .._errors import LicensingError


class Certificate:
    """A certificate chain and its private key, in files.

    :param keyfile: None if both are in one file.
    :raises LicensingError: C(file_unreadable).
    """

    def __init__(self, certfile: str, keyfile: str | None) -> None:
        self._certfile, self._keyfile = certfile, keyfile or certfile
        self._state = self._look()
        self._context = self._load()

    def context(self) -> ssl.SSLContext:
        """The context for the next connection. While new files do not match (yet), the old ones stay in use."""
        state = self._look()
        if state != self._state:
            with contextlib.suppress(LicensingError):
                self._context, self._state = self._load(), state
        return self._context

    def _look(self) -> tuple[int, ...]:
        try:
            return tuple(os.stat(name).st_mtime_ns for name in (self._certfile, self._keyfile))
        except OSError:
            return ()

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        for name in (self._certfile, self._keyfile):
            try:
                with open(name, "rb"):
                    pass
            except OSError as error:
                text = f"The certificate or key {name} cannot be read: {error.strerror or 'it cannot be opened'}."
                raise LicensingError(text, code="file_unreadable") from None
        try:
            # Without a password, it would ask for one on the terminal.
            context.load_cert_chain(self._certfile, self._keyfile, password="")
        except (ssl.SSLError, OSError, ValueError):
            raise LicensingError(
                f"The certificate {self._certfile} and the key {self._keyfile} cannot be used: they must be PEM, "
                "belong together, and the key must not be encrypted.",
                code="file_unreadable",
            ) from None
        return context
