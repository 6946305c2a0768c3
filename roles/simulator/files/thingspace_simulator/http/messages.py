# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTTP request and one HTTP reply, as the server and the service exchange them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl


@dataclass
class Request:
    """One HTTP request, read completely. Header names are lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        """Return the path, still percent-encoded, without the query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """Return the query. The first value of a repeated name counts."""
        pairs = parse_qsl(self.target.partition("?")[2], keep_blank_values=True)
        return dict(reversed(pairs))

    def json(self) -> Any:
        """Parse the body as JSON, whatever its content type. Raises ValueError."""
        try:
            return json.loads(self.body)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error


@dataclass
class Reply:
    """One HTTP reply. ``data`` becomes JSON unless ``body`` already holds the bytes.

    ``wire`` names a fault on the wire (see ``mishaps.py``), which lasts up to ``seconds``.
    """

    status: int = 200
    data: Any = None
    body: bytes | None = None
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    wire: str = ""
    seconds: float = 0.0

    def encoded(self) -> bytes:
        """Return the bytes of the body."""
        if self.body is not None:
            return self.body
        return json.dumps(self.data, separators=(",", ":"), ensure_ascii=False).encode()


class ApiError(Exception):
    """Ends the handling of a request with an error reply."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"HTTP {reply.status}")
        self.reply = reply
