# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Find out from the account's count of assigned licenses what happened to requests. Pure.

The count is for one SKU, so it is proof. A case is clear if there is only one explanation for the change of the count.
A report under an unknown request id is only a hint: it can make a clear case unclear, but it never decides.

For requests without an answer, C(judge) decides. For requests that were accepted and not reported on, C(carried_out)
does: they are confirmed only if the count has changed by the most by which all requests together can have changed it.
Then none of them failed and none is still open.

Both assume that nobody else changed the same SKU of the account by exactly the opposite amount in the meantime.
"""

from __future__ import annotations

import typing as t

from .._journal.lost import NO_EFFECT, TOOK_EFFECT
from .._journal.rows import Lost, Moved, Range, Window
from .._journal.status import BY_COUNT, Attempt
from .._plan.answer import ACTIONS

Judgment = t.Literal["took_effect", "no_effect", "as_reported", "unclear", "too_early"]
"""C(as_reported): not clear, but the count leaves room for every success that was reported under an unknown id, and
there are other devices that can be sent again first. After that, it may be clear.
"""

UNKNOWN_LATENCY = 30.0
"""Seconds after which the count should include a request, if ThingSpace has not reported on any request yet."""

SHORTEST, LONGEST = 15.0, 900.0
FACTOR = 3.0
"""Otherwise this many times the longest recent delay of a report, within these bounds (in seconds). The clock of a
receiver may be ten seconds behind, so a delay may be that much longer than it seems.
"""


def settle_seconds(wanted: float | None, latency: float | None) -> float:
    """How old a request must be, in seconds, before the count is proof.

    :param wanted: the task's own value.
    :param latency: seconds that ThingSpace recently took to report.
    """
    if wanted is not None:
        return wanted
    return UNKNOWN_LATENCY if latency is None else min(LONGEST, max(SHORTEST, FACTOR * latency))


def judge(now: int | None, moved: t.Iterable[Moved], lost: t.Sequence[Lost]) -> dict[int, Judgment]:
    """Judge the lost requests, all alike, because the count does not tell them apart.

    :param now: the account's count of assigned licenses of the SKU, read after C(lost) and C(moved).
    """
    found = {_judgment(now, since, lost) for since in moved} if now is not None else set()
    clear = found - {"unclear", "as_reported"}
    if len(clear) == 1:
        (verdict,) = clear
    else:
        verdict = "as_reported" if found == {"as_reported"} else "unclear"
    return dict.fromkeys((request.request for request in lost), verdict)


def _judgment(now: int, moved: Moved, lost: t.Sequence[Lost]) -> Judgment:
    if moved.before is None or len({request.action for request in lost}) != 1:
        return "unclear"
    # By how much the lost requests changed the count, and by how much they could.
    whole = now - moved.before
    change, could = Range(whole - moved.others.most, whole - moved.others.least), moved.lost
    if lost[0].action == "remove":
        change, could = change.reversed, could.reversed
    hints = [hint.status for request in lost for hint in request.hints.values()]
    if change.least >= could.most and "failed" not in hints:
        return "took_effect"
    room = change.most - could.least
    if room <= 0:
        return "unclear" if hints else "no_effect"
    untried = any(set(request.devices) - request.hints.keys() - request.tried for request in lost)
    return "as_reported" if untried and 0 < hints.count("success") <= room else "unclear"


def fits(now: int | None, moved: Moved) -> bool:
    """Whether the journal explains the account's count. Otherwise, others changed it, or it is not up to date.

    :param now: the account's count of assigned licenses of the SKU.
    :param moved: what happened since the last run that knows the count.
    """
    if now is None or moved.before is None:
        return True
    change = moved.others + moved.lost
    return change.least <= now - moved.before <= change.most


def resolve(
    attempts: t.Mapping[str, list[Attempt]],
    lost: t.Sequence[Lost],
    verdicts: t.Mapping[int, Judgment],
    *,
    lifetime: bool,
) -> dict[str, list[Attempt]]:
    """The attempts after the judgment. For a lifetime license, the count cannot prove that a request had no effect."""
    requests = {request.request: request for request in lost}
    return {
        device: [
            _resolved(attempt, device, requests[attempt.request], verdicts[attempt.request], lifetime=lifetime)
            if attempt.request in requests and attempt.outcome is None
            else attempt
            for attempt in tried
        ]
        for device, tried in attempts.items()
    }


def carried_out(
    now: int | None, windows: t.Iterable[Window], old_enough: t.Callable[[str], bool] = lambda _sent: True
) -> frozenset[int]:
    """The requests that were carried out for every device on which nothing was reported.

    Less than the most is no proof, because any device may be the one that failed. More shows that others changed the
    count since then. What is in flight in the other direction needs no care: it could only bring the count back.

    :param now: the account's count of assigned licenses of the SKU, read before C(windows).
    :param old_enough: whether the count is proof about a request that was sent at this time.
    """
    found: set[int] = set()
    windows = list(windows)
    if now is None:
        return frozenset()
    disturbed = max(beyond(now, windows), default=0)
    for window in windows:
        for action, newest in window.newest.items():
            if window.missing(action, now) == 0 and window.run > disturbed and old_enough(newest):
                found.update(window.waiting.get(action, ()))
    return frozenset(found)


def beyond(now: int | None, windows: t.Iterable[Window]) -> list[int]:
    """The runs since which the count has changed by more than what was sent, so that others changed it.

    :param now: the account's count of assigned licenses of the SKU, read before C(windows).
    """
    if now is None:
        return []
    return [window.run for window in windows if any(window.missing(action, now) < 0 for action in window.most)]


def contradicts(now: int | None, windows: t.Iterable[Window], attempt: Attempt, *, done: bool) -> bool:
    """Whether the count excludes that a request for one device was carried out, or that it was not.

    :param now: the account's count of assigned licenses of the SKU, read before C(windows).
    """
    flying = [window for window in windows if attempt.request in window.waiting.get(attempt.action, ())]
    if now is None or not flying:
        return False
    if not done:
        return any(window.missing(attempt.action, now) <= 0 for window in flying)
    # A later run may have read a count that includes it already. But the run that sent it did not.
    other = ACTIONS[attempt.action].opposite
    changed = [window.most[attempt.action] - window.missing(attempt.action, now) for window in flying]
    return all(most + window.most.get(other, 0) < 1 for most, window in zip(changed, flying, strict=True))


def with_counted(
    attempts: t.Mapping[str, list[Attempt]], done: t.AbstractSet[int], when: str
) -> dict[str, list[Attempt]]:
    """The attempts after C(carried_out)."""

    def counted(attempt: Attempt) -> Attempt:
        if attempt.request not in done or attempt.outcome is not None or attempt.state != "accepted":
            return attempt
        return attempt._replace(outcome="success", reason=BY_COUNT, confirmed=when, own=False)

    return {device: list(map(counted, tried)) for device, tried in attempts.items()}


def _resolved(attempt: Attempt, device: str, lost: Lost, verdict: Judgment, *, lifetime: bool) -> Attempt:
    if verdict == "took_effect":
        hint = lost.hints.get(device)
        if hint is None:
            return attempt._replace(state="accepted", reason=TOOK_EFFECT)
        return attempt._replace(state="accepted", outcome=hint.status, reason=hint.reason, request_id=hint.request_id)
    if verdict == "no_effect" and not lifetime:
        return attempt._replace(state="no_effect", reason=NO_EFFECT)
    said = {
        "no_effect": "the account's count suggests that it had no effect",
        "as_reported": "the account's count does not show whether it took effect",
        "unclear": "the account's count does not show whether it took effect",
        "too_early": "it is too early for the account's count to show whether it took effect",
    }[verdict]
    hint = lost.hints.get(device)
    hinted = hint is not None and hint.status == "success" and verdict in ("as_reported", "too_early")
    before = attempt.reason.rstrip(".")
    return attempt._replace(reason=f"{before}; {said}" if before else said, hinted=hinted)
