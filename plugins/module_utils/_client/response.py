# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""A complete answer, whatever it says."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from .fault import MAX_ERROR, parse_json

_ERROR = 400


@dataclasses.dataclass(frozen=True)
class Response:
    """A complete answer. Header names are in lower case. C(mask) removes secrets from quoted text."""

    operation: str
    status: int
    headers: t.Mapping[str, str]
    body: bytes
    mask: t.Callable[[str], str] = str

    @functools.cached_property
    def value(self) -> t.Any:
        """The JSON value of the body; None if it is not JSON. It is parsed once, because a page of a list is large.

        An answer with an error status that is larger than C(MAX_ERROR) does not count as JSON.
        """
        return None if self.status >= _ERROR and len(self.body) > MAX_ERROR else parse_json(self.body)
