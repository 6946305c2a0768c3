# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Long texts in the store: run records and plans. They are packed, because a million devices differ in little."""

from __future__ import annotations

import base64
import typing as t
import zlib

from .clock import now
from .store import Transaction

_LEVEL = 1
"""Higher levels take several times as long for a tenth of the size."""

_PIECE = 384 * 1024
"""Packed bytes in a row. A multiple of three, so that only the last piece is padded."""


def pack(text: t.Iterable[str]) -> list[str]:
    """A text as the pieces that are stored.

    :param text: in parts of any size.
    """
    pieces, waiting = list[str](), bytearray()
    for part in _compressed(text):
        waiting += part
        while len(waiting) > _PIECE:
            pieces.append(base64.b64encode(waiting[:_PIECE]).decode())
            del waiting[:_PIECE]
    pieces.append(base64.b64encode(waiting).decode())
    return pieces


def _compressed(text: t.Iterable[str]) -> t.Iterator[bytes]:
    packer = zlib.compressobj(_LEVEL)
    for part in text:
        yield packer.compress(part.encode())
    yield packer.flush()


def keep_document(db: Transaction, pieces: t.Sequence[str]) -> int:
    """Store a packed text. Returns its number."""
    key = db.insert("INSERT INTO document (kept) VALUES (?)", (now(),))
    rows = [(key, place, piece) for place, piece in enumerate(pieces)]
    db.executemany("INSERT INTO document_piece (document, place, content) VALUES (?, ?, ?)", rows)
    return key


def forget_document(db: Transaction, key: int) -> None:
    """Remove a text that nothing refers to any more."""
    db.execute("DELETE FROM document_piece WHERE document = ?", (key,))
    db.execute("DELETE FROM document WHERE id = ?", (key,))


def document_text(db: Transaction, key: int, most: int) -> str:
    """A stored text.

    :param most: its size in bytes at most.
    :raises ValueError: it is damaged, or larger.
    """
    unpacker, found = zlib.decompressobj(), bytearray()
    rows = db.stream("SELECT content FROM document_piece WHERE document = ? ORDER BY place", (key,))
    try:
        for (piece,) in rows:
            found += unpacker.decompress(base64.b64decode(piece), most + 1 - len(found))
            if len(found) > most:
                raise ValueError(most)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if not unpacker.eof:
        raise ValueError(key)
    return found.decode()
