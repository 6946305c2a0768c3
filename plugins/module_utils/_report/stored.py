# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The file in which the data of an account waits for the report of all accounts: a line of JSON for each field."""

from __future__ import annotations

import hashlib
import json
import typing as t

from .._errors import LicensingError
from .._text.files import PRIVATE, replacing
from .data import AccountData

HEAD = ["account_data", 1]
"""The first line: what the file is, and the version of its format."""

END = "checksum"


def store(data: AccountData, path: str) -> None:
    """Write everything about an account. Only the owner of the file can read it.

    :raises OSError: it cannot be written.
    """
    found = hashlib.sha256()
    with replacing(path, PRIVATE) as stream:
        for piece in (HEAD, *data.as_json().items()):
            line = json.dumps(piece) + "\n"
            found.update(line.encode())
            stream.write(line)
        stream.write(json.dumps([END, found.hexdigest()]))


def load(path: str, account: str) -> AccountData:
    """Read what was written about this account.

    :raises LicensingError: C(file_unreadable).
    """
    why = "it is damaged, or not from fleet_account_info of this release. Read the account again"
    try:
        with open(path, encoding="ascii") as stream:
            data = AccountData.from_json(_fields(stream))
        if data.name == account:
            return data
        why = f"it is about the account {data.name}"
    except OSError as error:
        why = error.strerror or str(error)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        pass
    raise LicensingError(f"The file {path} cannot be read: {why}.", code="file_unreadable")


def _fields(stream: t.TextIO) -> t.Iterator[tuple[str, t.Any]]:
    """The fields of a whole file.

    :raises ValueError: it is damaged, or something else. Some fields may have been returned by then.
    """
    line, found = stream.readline(), hashlib.sha256()
    if json.loads(line) != HEAD:
        raise ValueError(line)
    while True:
        found.update(line.encode())
        line = stream.readline()
        name, value = json.loads(line)
        if name == END:
            break
        yield name, value
    if value != found.hexdigest() or stream.read(1):
        raise ValueError(END)
