# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""A copy of the list before a rewrite, kept beside the session cache until the rewrite is finished.

The API cannot rewrite a long list in one request. If a process is killed between two requests, the next run finds the
previous list here and continues from it, instead of mistaking the rest for the whole list. This also covers a request
without an answer that takes effect after its task, or even after a later task.
"""

from __future__ import annotations

import contextlib
import time
import typing as t

from .._client.runtime_dir import Store, StoredState
from .._errors import LicensingError
from .._text.lists import many
from .._thingspace.api_versions import CandidatesVersion

LOCK_PATIENCE = 60.0
"""Seconds to wait until another task has finished with the list."""

LATE = 3600.0
"""Seconds in which a request without an answer may still take effect. This is not documented."""


class Recovery(t.NamedTuple):
    """What a kept list means for the live list.

    :param whole: the list to start from, if an interrupted rewrite left only a part of it; None otherwise.
    :param warning: the warning for the user; empty for none.
    """

    whole: list[str] | None
    warning: str


class KeptList:
    """The kept list of one account and version.

    It is not documented whether v1 and v2 share a list. So what a rewrite of the other version left counts, too, but
    only the version itself ends its rewrite.

    :param store: shared by the tasks of one user; without a C(runtime_dir), nothing is kept.
    """

    def __init__(self, store: Store, account: str, version: CandidatesVersion = "v2") -> None:
        self._store = store
        names: dict[CandidatesVersion, str] = {"v2": f"removal-candidates-{account}"}
        names["v1"] = f"{names['v2']}-v1"
        self._task = f"{names['v2']}.task"
        self._name = names.pop(version)
        (self._other,) = names.values()
        self.location = self._file(self._name)

    def _file(self, name: str) -> str | None:
        return f"{self._store.location}/{name}.json" if self._store.location else None

    def locked(self, patience: float) -> t.ContextManager[object]:
        """Prevent other tasks of this user from writing the same list, or from reading it half written."""
        return self._store.transaction(self._task, patience=patience)

    def keep(self, previous: t.Sequence[str], target: t.Sequence[str]) -> None:
        """Save the current list and the wanted one."""
        with self._store.transaction(self._name) as state:
            _become(state, previous, target)

    def doubt(self) -> None:
        """Note that a request of the saved rewrite may still take effect."""
        with contextlib.suppress(LicensingError), self._store.transaction(self._name) as state:
            late = [*_late(state), [state["target"], state["previous"]]]
            state.update(late=late, until=time.time() + LATE)

    def confirm(self, live: t.Sequence[str]) -> None:
        """Note that this is the whole list. It is still kept while an earlier rewrite may take effect late.

        If this cannot be noted, that does no harm.
        """
        with contextlib.suppress(LicensingError), self._store.transaction(self._name) as state:
            _settle(state, live)

    def recover(self, live: list[str], *, put_aside: bool) -> Recovery:
        """Check whether the live list is what an interrupted rewrite left.

        :param put_aside: whether to save a kept list that no longer matches in a separate file.
        """
        with self._store.transaction(self._name) as state:
            previous, target, since = state.get("previous"), state.get("target"), state.get("since")
            late = _late(state)
            if not isinstance(previous, list) or not isinstance(target, list):
                state.clear()
                return self._left_by_the_other(live)
            if live in (previous, target):
                # While a request may take effect late, an unchanged list proves nothing.
                if not late or live != previous:
                    _settle(state, live)
                return Recovery(None, "")
            once = list(dict.fromkeys(live))
            if late and once in (previous, target):
                text = (
                    "A request without an answer took effect late, so devices are on the removal candidate list "
                    f"more than once: {len(live)} entries name {len(once)} devices. The next change of the list names "
                    "each of them once."
                )
                return Recovery(once, text)
            if _is_left_of(live, [[target, previous], *late]):
                return _continued(live, previous, since)
            name = self._name
            if put_aside:
                name = f"{self._name}.{since}"
                with self._store.transaction(name) as aside:
                    aside.update(state)
                _settle(state, live)
        text = (
            f"A rewrite of the removal candidates was interrupted at {since}, and the list has changed since, so the "
            f"current list is used. The list before that rewrite is in {self._file(name)}."
        )
        return Recovery(None, text)

    def _left_by_the_other(self, live: list[str]) -> Recovery:
        """The same for a rewrite of the other version, which is only looked at."""
        with self._store.transaction(self._other) as state:
            previous, target, since = state.get("previous"), state.get("target"), state.get("since")
            if not isinstance(previous, list) or not isinstance(target, list) or live in (previous, target):
                return Recovery(None, "")
            if _is_left_of(live, [[target, previous], *_late(state)]):
                return _continued(live, previous, since)
        return Recovery(None, "")

    def where_to_find(self, previous: t.Sequence[str]) -> str:
        """Say where the list is that could not be restored."""
        if self.location:
            return f"The previous list ({many(len(previous), 'device')}) is kept in {self.location}."
        return f"The previous list ({many(len(previous), 'device')}) is in 'failure.previous_list'."


def _continued(live: t.Sequence[str], previous: list[str], since: object) -> Recovery:
    text = (
        f"A rewrite of the removal candidates was interrupted at {since}: {len(live)} of them are left of the "
        f"{len(previous)} before. The next change of the list starts from those."
    )
    return Recovery(previous, text)


def _become(state: StoredState, previous: t.Sequence[str], target: t.Sequence[str]) -> None:
    """Replace an earlier rewrite by this one. Keep only its requests that may still take effect."""
    late, until = _late(state), state.get("until")
    state.clear()
    since = time.strftime("%Y-%m-%dT%H-%M-%SZ", time.gmtime())
    state.update(previous=list(previous), target=list(target), since=since)
    if late:
        state.update(late=late, until=until)


def _settle(state: StoredState, live: t.Sequence[str]) -> None:
    """Note that no rewrite is in progress. The list needs to be kept only if a request may take effect late."""
    if _late(state):
        _become(state, live, live)
    else:
        state.clear()


def _is_left_of(live: list[str], rewrites: list[list[list[str]]]) -> bool:
    """Whether this list is what one of these rewrites left, or restoring the list before it, up to one of its requests.

    A rewrite that took effect late as a whole counts, too, because another list was wanted since then. A list that is
    still the previous one does not count.
    """
    return any(
        live == target or (live and len(live) < len(whole) and live == whole[: len(live)])
        for target, previous in rewrites
        for whole in (target, previous)
    )


def _late(state: t.Mapping[str, t.Any]) -> list[list[list[str]]]:
    """The rewrites that may still take effect, each as its wanted list and the list before it."""
    late, until = state.get("late"), state.get("until")
    if not isinstance(late, list) or not isinstance(until, (int, float)) or until <= time.time():
        return []
    return late
