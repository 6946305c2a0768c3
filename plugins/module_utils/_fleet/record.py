# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The record of a run: the planned change of each device, and its result. Reads a record from a file."""

from __future__ import annotations

import json
import os
import stat
import typing as t

from .._errors import OptionsError, Problem
from .._text.canonical import digest
from .record_check import wrong_in

FORMAT = 1
"""Version of the record."""

CODE: t.Final = "run_file_invalid"
MAX_BYTES = 512 * 1024 * 1024
"""A record of a million devices has less than 200 MB."""

Document = dict[str, t.Any]

_NONE = "it is not a run record"


def checksum(document: t.Mapping[str, t.Any]) -> str:
    """SHA-256 over a whole record except its checksum."""
    return digest({key: value for key, value in document.items() if key != "checksum"})


def with_checksum(document: Document) -> Document:
    """A record as it is written."""
    return {**document, "checksum": checksum(document)}


def read_record(path: str) -> Document:
    """A record whose content matches its checksum and can be used.

    :raises OptionsError: C(run_file_invalid), with all problems.
    """
    try:
        document = json.loads(_text(path), parse_constant=_refuse)
        wrong = _wrong(document)
    except OSError as error:
        wrong = [error.strerror or "it cannot be read"]
    except (ValueError, RecursionError, MemoryError):
        wrong = [f"{_NONE}: it is not JSON, or was cut off"]
    if wrong:
        problems = [Problem(f"The run record {path[:500]} cannot be used: {text}.", CODE) for text in wrong]
        raise OptionsError(problems)
    return t.cast(Document, document)


def _text(path: str) -> str:
    # A device or a pipe may never end, and opening a pipe may never return.
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(0, "it is a directory" if stat.S_ISDIR(status.st_mode) else "it is not a regular file")
    if status.st_size > MAX_BYTES:
        raise OSError(0, f"it has {status.st_size} bytes, and no run record has more than {MAX_BYTES}")
    with open(path, encoding="utf-8") as stream:
        return stream.read()


def _wrong(document: t.Any) -> list[str]:
    if not isinstance(document, dict) or "format" not in document or "run" not in document:
        return [_NONE]
    if document["format"] != FORMAT or isinstance(document["format"], bool):
        return [f"it is of format {str(document['format'])[:20]}, this release reads {FORMAT}"]
    if document.get("checksum") != checksum(document):
        return ["its content does not fit its checksum: it was changed after it was written"]
    return list(wrong_in(document))


def _refuse(constant: str) -> t.NoReturn:
    raise ValueError(constant)
