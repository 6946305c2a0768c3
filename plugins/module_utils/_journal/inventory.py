# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Takes stock of the journal: the status of each device, the counts, and how they compare with the account's."""

from __future__ import annotations

import dataclasses
import typing as t

from .._text.lists import are, many
from .journal import Journal
from .status import DeviceStatus, fold

DeviceState = t.Literal["assigned", "removed", "pending", "failed", "unknown"]

OPEN = frozenset({"pending", "failed", "unknown"})


class JournalRow(t.NamedTuple):
    """The status of one device.

    :param state: C(assigned) and C(removed) are confirmed. The others refer to the change in C(action).
    :param sent: when the last request was sent; C(confirmed) is when ThingSpace reported on it.
    :param held: whether it holds the license according to the confirmations: C(yes), C(no), or C(unknown).
    """

    sku: str
    kind: str
    device_id: str
    state: DeviceState
    action: str
    reason: str
    request_id: str
    x_request_id: str
    sent: str
    confirmed: str
    held: str


class HistoryRow(t.NamedTuple):
    """One request for a device, and its result."""

    sku: str
    kind: str
    device_id: str
    action: str
    request_state: str
    outcome: str
    reason: str
    request_id: str
    x_request_id: str
    sent: str
    confirmed: str


@dataclasses.dataclass
class Stock:
    """The device counts of one SKU.

    :param least: licenses that the account must count according to the journal; C(most) is how many it may count,
        because what is not confirmed may or may not have happened.
    """

    sku: str
    assigned: int = 0
    removed: int = 0
    pending: int = 0
    failed: int = 0
    unknown: int = 0
    least: int = 0
    most: int = 0

    def add(self, status: DeviceStatus, state: DeviceState) -> None:
        """Count one device."""
        setattr(self, state, getattr(self, state) + 1)
        self.least += status.held is True
        self.most += status.may_hold

    def as_result(self) -> dict[str, t.Any]:
        """A row of C(journal) in the result."""
        return {
            "sku": self.sku,
            "confirmed": self.assigned,
            "removed": self.removed,
            "pending": self.pending,
            "failed": self.failed,
            "unknown": self.unknown,
        }


def device_rows(journal: Journal, account: str, sku: str | None) -> t.Iterator[tuple[DeviceStatus, JournalRow]]:
    """The status of every device. Devices that certainly were never changed are left out."""
    for scope, device, attempts in journal.walk(account, sku):
        status = fold(attempts)
        last = status.last
        if last is not None:
            details = (last.action, last.reason, last.request_id, last.x_request_id, last.sent, last.confirmed)
            yield status, JournalRow(scope.sku, scope.kind, device, state_of(status), *details, held_of(status))


def history_rows(journal: Journal, account: str, sku: str | None) -> t.Iterator[HistoryRow]:
    """Every attempt on record."""
    for scope, device, attempts in journal.walk(account, sku):
        for attempt in attempts:
            facts = (attempt.action, attempt.state, attempt.outcome or "", attempt.reason)
            ids = (attempt.request_id, attempt.x_request_id, attempt.sent, attempt.confirmed)
            yield HistoryRow(scope.sku, scope.kind, device, *facts, *ids)


def state_of(status: DeviceStatus) -> DeviceState:
    """The word for the status of a device."""
    if status.result == "confirmed":
        return "assigned" if status.held else "removed"
    if status.result == "failed" and not status.earlier:
        return "failed"
    return "pending" if status.result == "pending" else "unknown"


def held_of(status: DeviceStatus) -> t.Literal["yes", "no", "unknown"]:
    """Whether a device holds the license. An unconfirmed change may or may not have happened."""
    if status.held:
        return "yes"
    return "unknown" if status.may_hold else "no"


def drift(stocks: t.Iterable[Stock], counts: t.Mapping[str, int | None]) -> list[dict[str, t.Any]]:
    """The SKUs for which the journal cannot explain the account's count.

    :param counts: the assigned licenses of each SKU; None if ThingSpace returns no number.
    """
    found = []
    known = {stock.sku: stock for stock in stocks}
    for sku in sorted(counts.keys() | known.keys()):
        assigned, stock = counts.get(sku, 0), known.get(sku, Stock(sku))
        if assigned is None or stock.least <= assigned <= stock.most:
            continue
        beyond = assigned - (stock.most if assigned > stock.most else stock.least)
        found.append(
            {
                "sku": sku,
                "account": assigned,
                "journal_least": stock.least,
                "journal_most": stock.most,
                "difference": beyond,
                "meaning": _meaning(beyond),
            }
        )
    return found


def _meaning(difference: int) -> str:
    if difference > 0:
        return (
            f"{many(difference, 'license')} {are(difference)} assigned in the account that this journal knows nothing "
            "of: assigned in the portal, by another tool, or with another journal."
        )
    return (
        f"{many(-difference, 'license')} that this journal calls assigned {are(-difference)} not counted in the "
        "account: removed in the portal or by another tool, or not counted yet."
    )
