# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The list as it was before a rewrite, kept beside the session cache until the rewrite is through.

No request of the API rewrites a long list in one go. When a process is killed between two, the next run finds here
what the list was, and takes up from there instead of taking the rest for the whole. So it is with a request that got no
answer and takes effect after its task, or even after a later one.
"""

from __future__ import annotations

import contextlib
import time
import typing as t

from .._client.runtime_dir import Store, StoredState
from .._errors import LicensingError

LOCK_PATIENCE = 60.0
"""Seconds to wait until another task is through with the list."""

LATE = 3600.0
"""Seconds in which a request without an answer is expected to take effect, if ever. That is documented nowhere."""


class Recovery(t.NamedTuple):
    """What a kept list means for the live one.

    :param whole: the list to start from, when an interrupted rewrite left only a part of one; None otherwise.
    :param warning: what to tell the user; empty for nothing.
    """

    whole: list[str] | None
    warning: str


class KeptList:
    """The kept list of one account. Whether v1 and v2 show one list or two is not documented; one is assumed.

    :param store: what tasks of one user share; without a C(runtime_dir), nothing is kept.
    """

    def __init__(self, store: Store, account: str) -> None:
        self._store = store
        self._name = f"removal-candidates-{account}"
        self.location = self._file(self._name)

    def _file(self, name: str) -> str | None:
        return f"{self._store.location}/{name}.json" if self._store.location else None

    def alone(self, patience: float) -> t.ContextManager[object]:
        """Keep other tasks of this user from writing the same list, or from reading it half written."""
        return self._store.transaction(self._name + ".task", patience=patience)

    def keep(self, previous: t.Sequence[str], target: t.Sequence[str]) -> None:
        """Write down what the list is, and what it is about to become."""
        with self._store.transaction(self._name) as state:
            _become(state, previous, target)

    def doubt(self) -> None:
        """A request of the rewrite that is kept may still take effect."""
        with contextlib.suppress(LicensingError), self._store.transaction(self._name) as state:
            late = [*_late(state), [state["target"], state["previous"]]]
            state.update(late=late, until=time.time() + LATE)

    def stands(self, live: t.Sequence[str]) -> None:
        """This is the list, and it is whole. It is still kept as long as an earlier rewrite may come late.

        That this cannot be noted harms nobody.
        """
        with contextlib.suppress(LicensingError), self._store.transaction(self._name) as state:
            _settle(state, live)

    def recover(self, live: list[str], *, put_aside: bool) -> Recovery:
        """Whether the live list is what an interrupted rewrite left.

        :param put_aside: whether a kept list that does not fit any more is put into a file of its own.
        """
        with self._store.transaction(self._name) as state:
            previous, target, since = state.get("previous"), state.get("target"), state.get("since")
            late = _late(state)
            if not isinstance(previous, list) or not isinstance(target, list):
                state.clear()
                return Recovery(None, "")
            if live in (previous, target):
                # As long as a request may come late, that the list is as before proves nothing.
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
                text = (
                    f"A rewrite of the removal candidates was interrupted at {since}: {len(live)} of them are left of "
                    f"the {len(previous)} before. The next change of the list starts from those."
                )
                return Recovery(previous, text)
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

    def where_to_find(self, previous: t.Sequence[str]) -> str:
        """Where a user finds the list that could not be put back."""
        if self.location:
            return f"The previous list ({len(previous)} devices) is kept in {self.location}."
        return f"The previous list ({len(previous)} devices) is in 'failure.previous_list'."


def _become(state: StoredState, previous: t.Sequence[str], target: t.Sequence[str]) -> None:
    """Store this rewrite in place of an earlier one. Of that, keep only requests that may still take effect."""
    late, until = _late(state), state.get("until")
    state.clear()
    since = time.strftime("%Y-%m-%dT%H-%M-%SZ", time.gmtime())
    state.update(previous=list(previous), target=list(target), since=since)
    if late:
        state.update(late=late, until=until)


def _settle(state: StoredState, live: t.Sequence[str]) -> None:
    """No rewrite is under way, and this is the list: it needs to be kept only if something may come late."""
    if _late(state):
        _become(state, live, live)
    else:
        state.clear()


def _is_left_of(live: list[str], rewrites: list[list[list[str]]]) -> bool:
    """Whether one of these rewrites, or putting back what was before it, led to this list up to one of its requests.

    What came late as a whole is no better: another list was wanted since. Only that all is as before it is fine.
    """
    return any(
        live == target or (live and len(live) < len(whole) and live == whole[: len(live)])
        for target, previous in rewrites
        for whole in (target, previous)
    )


def _late(state: t.Mapping[str, t.Any]) -> list[list[list[str]]]:
    """The rewrites that may still take effect: each one's wanted list, and the list before it."""
    late, until = state.get("late"), state.get("until")
    if not isinstance(late, list) or not isinstance(until, (int, float)) or until <= time.time():
        return []
    return late
