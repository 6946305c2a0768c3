# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The authorities that count for the certificate of the server if none is named: those of this machine.

libpq alone looks for a file in the home directory, which no container has. Its C(sslrootcert=system) needs libpq 16.
"""

from __future__ import annotations

import os
import ssl
import typing as t

_OF_THE_USER = "~/.postgresql/root.crt"
"""Where libpq looks."""


def authorities(given: t.Mapping[str, t.Any]) -> str | None:
    """The file with the authorities of this machine, as Python knows it; None to let libpq decide.

    Only with C(verify-full): otherwise, the server could be anybody's whom one of the authorities knows.

    :param given: the parameters of libpq in an address. A service may have more of them.
    """

    def value(name: str, variable: str) -> str:
        return str(given.get(name) or os.environ.get(variable) or "")

    if value("sslmode", "PGSSLMODE") != "verify-full":
        return None
    if value("sslrootcert", "PGSSLROOTCERT") or value("service", "PGSERVICE"):
        return None
    if os.path.exists(os.path.expanduser(_OF_THE_USER)):
        return None
    return ssl.get_default_verify_paths().cafile
