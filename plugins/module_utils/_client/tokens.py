# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The two tokens that every call carries."""

from __future__ import annotations

import dataclasses

from .transport import HeaderAuth


@dataclasses.dataclass(frozen=True, repr=False)
class Tokens:
    """The tokens for every call. There is no C(repr), so they are never printed."""

    access: str
    session: str

    def auth(self) -> HeaderAuth:
        """Both headers of a call."""
        return HeaderAuth({"Authorization": f"Bearer {self.access}", "VZ-M2M-Token": self.session})
