# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The versions of the Software Management API, and their forms of license lists and removal candidates. Pure."""

from __future__ import annotations

import typing as t

ApiVersion = t.Literal["v1", "v2", "v3"]

API_VERSIONS: tuple[ApiVersion, ...] = t.get_args(ApiVersion)
"""Oldest first."""

API_VERSION: ApiVersion = "v3"
"""The default."""

ListForm = t.Literal["index", "query"]

LIST_FORMS: dict[ApiVersion, tuple[ListForm, ...]] = {
    "v1": ("index",),
    "v2": ("query", "index"),
    "v3": ("index", "query"),
}
"""Whether the cursor of a license list is in the path or in the query. The second is tried if the first is unknown.

Sources: the reference pages of the versions, which contradict the SDK.
"""

NAMED_DEVICES: frozenset[ApiVersion] = frozenset({"v3"})
"""The versions that answer for named devices."""

OF_SOME_PROTOCOLS: frozenset[ApiVersion] = frozenset({"v1", "v2"})
"""The versions whose documents name some protocols only, so that their lists may not have the whole account."""

CandidatesVersion = t.Literal["v1", "v2"]

CANDIDATES_VERSIONS: tuple[CandidatesVersion, ...] = t.get_args(CandidatesVersion)
"""The versions with a list of removal candidates, oldest first."""

CANDIDATES_OF: dict[ApiVersion, tuple[CandidatesVersion, ...]] = {"v1": ("v1",), "v2": ("v2",), "v3": ("v2", "v1")}
"""The versions with the list for each API version. v3 has no list of its own.

The pages contradict each other about its devices. v2 speaks of HTTP devices and v1 of the others, but a license is said
to work with any protocol.
"""

CANDIDATES_VERSION: CandidatesVersion = CANDIDATES_OF[API_VERSION][0]
"""The default."""
