# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Cuts a connection to PostgreSQL whose server does not answer, so that no task hangs because a database does.

A frozen server still acknowledges what the network brings, so TCP notices nothing. The server's own timeouts do not
help either. A thread watches instead. It shuts down the socket, and libpq then reports a lost connection.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
import typing as t

from .postgresql_errors import LATER, failure
from .waiting import GRACE

if t.TYPE_CHECKING:
    from .._client.stop import Told

SLOW = 310.0
"""Seconds for an answer if nobody waits for it under a lock. The server gives up a little earlier, and says why."""

_LOOK_EVERY = 0.25


class Watch:
    """Watches the statements of one connection.

    :ivar limit: seconds for the answer to a statement.
    """

    def __init__(self, db: t.Any, address: str, told: Told) -> None:
        """Watch from now on.

        :param told: whether the task must end soon. Another thread calls it.
        """
        self.limit = SLOW
        self._db, self._address, self._told = db, address, told
        # libpq may close its own descriptor at any time, and the number may then belong to another file.
        self._socket = socket.socket(fileno=os.dup(db.fileno()))
        self._since: float | None = None
        self._cut = 0.0
        self._ended = threading.Event()
        # Everything that waits for the server does it by way of this method.
        self._wait, db.wait = db.wait, self._watched
        threading.Thread(target=self._look, name="journal watch", daemon=True).start()

    def close(self) -> None:
        """Close the connection and end the thread."""
        self._ended.set()
        self._db.close()
        self._socket.close()

    def _watched(self, *arguments: t.Any, **named: t.Any) -> t.Any:
        self._since = time.monotonic()
        try:
            return self._wait(*arguments, **named)
        except Exception:
            if self._cut:
                what = f"it did not answer within {self._cut:.0f} s"
                # From now on, it is a lost connection like any other.
                self._cut = 0.0
                raise failure(self._address, "journal_unreachable", what, LATER) from None
            raise
        finally:
            self._since = None

    def _look(self) -> None:
        told = float("inf")
        while not self._ended.wait(_LOOK_EVERY):
            now = time.monotonic()
            if told > now and self._told():
                told = now
            since = self._since
            if since is not None and now > min(since + self.limit, max(since, told) + GRACE):
                self._cut = now - since
                # The other side may be faster.
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)
                return
