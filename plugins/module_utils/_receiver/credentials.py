# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The credentials that callbacks must contain, from the environment or from files that it names; never from a command
line, which every user of the machine can read."""

from __future__ import annotations

import os
import typing as t

from .._errors import LicensingError

USERNAME = "THINGSPACE_CALLBACK_USERNAME"
PASSWORD = "THINGSPACE_CALLBACK_PASSWORD"  # noqa: S105 - the name of a variable
MAX_FILE = 4096

Pair = tuple[str, str]


def credentials(
    given: t.Mapping[str, str | None] | None = None,
    environ: t.Mapping[str, str] | None = None,
    *,
    allow_anonymous: bool = False,
) -> list[Pair]:
    """The accepted usernames and passwords: the current ones, then the ones before a rotation.

    Each of the variables C(THINGSPACE_CALLBACK_USERNAME), C(..._PASSWORD), and both with C(_PREVIOUS) may also name a
    file: C(THINGSPACE_CALLBACK_PASSWORD_FILE).

    :param given: values that override the variables of these names.
    :param allow_anonymous: whether credentials may be missing, so that everyone is accepted.
    :raises LicensingError: C(missing_credentials), C(invalid_options), C(file_unreadable).
    """
    environ = os.environ if environ is None else environ
    names = (USERNAME, PASSWORD, f"{USERNAME}_PREVIOUS", f"{PASSWORD}_PREVIOUS")
    values = [(given or {}).get(name) or _from_environment(name, environ) for name in names]
    username, password, old_username, old_password = values
    if not username and not password and not old_username and not old_password and allow_anonymous:
        return []
    missing = [name for name, value in ((USERNAME, username), (PASSWORD, password)) if not value]
    if missing:
        raise LicensingError(
            f"{' and '.join(missing)} must be set, to what is registered with ThingSpace as callback_username and "
            "callback_password: otherwise anyone could report results.",
            code="missing_credentials",
        )
    pairs = [(username, password)]
    if old_username or old_password:
        pairs.append((old_username or username, old_password or password))
    return pairs


def _from_environment(name: str, environ: t.Mapping[str, str]) -> str:
    value, path = environ.get(name, ""), environ.get(f"{name}_FILE", "")
    if value and path:
        raise LicensingError(f"Set {name} or {name}_FILE, not both.", code="invalid_options")
    return _from_file(f"{name}_FILE", path) if path else value


def _from_file(name: str, path: str) -> str:
    try:
        with open(path, "rb") as stream:
            text = stream.read(MAX_FILE + 1).decode("utf-8")
    except OSError as error:
        why = error.strerror or "it cannot be opened"
        raise LicensingError(f"The file {path} of {name} cannot be read: {why}.", code="file_unreadable") from None
    except UnicodeDecodeError:
        raise LicensingError(f"The file {path} of {name} is not UTF-8 text.", code="file_unreadable") from None
    text = text.rstrip("\r\n")
    if not text or len(text) > MAX_FILE or "\n" in text:
        raise LicensingError(f"The file {path} of {name} must hold one line.", code="file_unreadable")
    return text
