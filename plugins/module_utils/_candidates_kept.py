# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The list as it was before a rewrite, kept beside the session cache until the rewrite is through.

No request of the API rewrites a long list in one go. When a process is killed between two, the next run finds here
what the list was, and takes up from there instead of taking the rest for the whole.
"""

from __future__ import annotations

import contextlib
import time
import typing as t

from ._errors import LicensingError
from ._runtime_dir import Store


class Recovery(t.NamedTuple):
    """What a kept list means for the live one.

    :param whole: the list to start from, when an interrupted rewrite left only a part of one; None otherwise.
    :param warning: what to tell the user; empty for nothing.
    """

    whole: list[str] | None
    warning: str


class KeptList:
    """The kept list of one account and API version.

    :param store: what tasks of one user share; without a C(runtime_dir), nothing is kept.
    """

    def __init__(self, store: Store, account: str, version: str) -> None:
        self._store = store
        self._name = f"candidates-{version}-{account}"
        self.location = f"{store.location}/{self._name}.json" if store.location else None

    def writing(self, patience: float) -> t.ContextManager[object]:
        """Keep other tasks of this user from writing the same list."""
        return self._store.transaction(self._name + ".writing", patience=patience)

    def keep(self, previous: t.Sequence[str], target: t.Sequence[str]) -> None:
        """Write down what the list is, and what it is about to become."""
        with self._store.transaction(self._name) as state:
            state.update(
                previous=list(previous), target=list(target), since=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            )

    def forget(self) -> None:
        """The list is whole again. That this cannot be noted harms nobody."""
        with contextlib.suppress(LicensingError), self._store.transaction(self._name) as state:
            state.clear()

    def recover(self, live: list[str]) -> Recovery:
        """Whether the live list is what an interrupted rewrite left."""
        with self._store.transaction(self._name) as state:
            previous, target, since = state.get("previous"), state.get("target"), state.get("since")
        if not isinstance(previous, list) or not isinstance(target, list) or live in (previous, target):
            return Recovery(None, "")
        if live and live in (target[: len(live)], previous[: len(live)]):
            text = (
                f"A rewrite of the removal candidates was interrupted at {since}: {len(live)} of them are left of the "
                f"{len(previous)} before. The next change of the list starts from those."
            )
            return Recovery(previous, text)
        text = (
            f"A rewrite of the removal candidates was interrupted at {since}, and the list was changed since, so it is "
            f"taken as it is. The list before that rewrite stands in {self.location}. Delete that file when you do not "
            "need it any more."
        )
        return Recovery(None, text)

    def where_to_find(self, previous: t.Sequence[str]) -> str:
        """Where a user finds the list that could not be put back."""
        if self.location:
            return f"The previous list ({len(previous)} devices) is kept in {self.location}."
        return f"The previous list ({len(previous)} devices) stands in 'failure.previous_list'."
