# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The journal of SIM-Secure requests: what was sent, answered, and confirmed. Each call is one commit."""

from __future__ import annotations

import functools
import json
import os
import platform
import typing as t

from .._errors import LicensingError
from .._plan.answer import Action
from .by_count import keep_counted, windows_of
from .changes import changes_since
from .clock import now
from .confirmation import Confirmation
from .facts import JournalFacts, facts
from .file import PATIENCE
from .lost import keep_no_effect, keep_took_effect, lost_requests, moved_by, usual_latency
from .match import Recorded, adopt, arrival, record
from .moved import read_now, require_here
from .queries import (
    ACCEPT,
    HOLDERS,
    IDS,
    LAST_COUNTED,
    NAMED_BY,
    OVERTAKEN_HOLDERS,
    OVERTAKEN_OTHERS,
    PROVED_HOLDERS,
    REMOVED_BY_ANOTHER_KIND,
    REPORTED_SINCE,
)
from .rows import Lost, Moved, Removed, Scope, Snapshot, Window
from .scopes import attempts_of, devices_of, in_several, number_of, scopes_of
from .status import Attempt, RequestState
from .store import Store, Transaction
from .stores import open_store

if t.TYPE_CHECKING:
    from .._client.stop import Told


Holders = t.Literal["certain", "proved", "overtaken"]


class Journal:
    """An open journal. Several threads may call its methods."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._reading, self._writing = store.reading, store.writing
        self._scopes: dict[Scope, int | None] = {}
        self._reports_before: dict[int, int] = {}

    @property
    def path(self) -> str:
        """How messages call it; empty if it is in memory."""
        return self._store.name

    @property
    def missing(self) -> bool:
        """Whether nothing was there when it was opened to be read."""
        return self._store.missing

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def account_lock(self, account: str, patience: float) -> t.ContextManager[None]:
        """Keep other jobs from sending for an account, see C(Store)."""
        return self._store.account_lock(account, patience)

    def facts(self, account: str) -> JournalFacts:
        """Facts about the journal itself, and about an account in it."""
        return facts(self._store, account)

    def lock_lost(self) -> str:
        """Why that lock may be lost, see C(Store); empty if it is held."""
        return self._store.lock_lost()

    def is_new_to(self, account: str) -> bool:
        """Whether nothing was ever sent with it for an account."""
        query = "SELECT 1 FROM request JOIN scope ON scope.id = request.scope WHERE scope.account = ? LIMIT 1"
        with self._reading() as db:
            return db.execute(query, (account,)).fetchone() is None

    def attempts(self, scope: Scope, devices: t.Sequence[str]) -> dict[str, list[Attempt]]:
        """The attempts for each of these devices, oldest first. Devices without any are left out."""
        with self._reading() as db:
            return attempts_of(db, scope, devices)

    def snapshot(self, scope: Scope, devices: t.Sequence[str]) -> Snapshot:
        """Everything that a plan needs to know, read in one transaction."""
        with self._reading() as db:
            lost = lost_requests(db, scope.account, scope.sku)
            moved = moved_by(db, scope.account, scope.sku, lost) if lost else []
            attempts, latency = attempts_of(db, scope, devices), usual_latency(db, scope.account)
            return Snapshot(attempts, lost, moved, latency, _last_run(db, scope.account), _last_report(db))

    def moved_since_last_count(self, account: str, sku: str, *, trusting: bool) -> Moved:
        """What happened since the last run of a SKU that knows the account's count. See C(changes_since)."""
        with self._reading() as db:
            found = db.execute(LAST_COUNTED, (account, sku)).fetchone()
            return changes_since(db, int(found[0]), account, sku, trusting=trusting) if found else Moved(None)

    def walk(self, account: str, sku: str | None) -> t.Iterator[tuple[Scope, str, list[Attempt]]]:
        """Every device of an account, of one SKU or of all, with its attempts; sorted, and never all in memory."""
        with self._reading() as db:
            for key, scope in scopes_of(db, account).items():
                if sku is None or scope.sku == sku:
                    for device, attempts in devices_of(db, key):
                        yield scope, device, attempts

    def scopes(self, account: str) -> list[Scope]:
        """Every scope for which something was sent for this account, sorted."""
        with self._reading() as db:
            return list(scopes_of(db, account).values())

    def ids(self, scope: Scope) -> list[str]:
        """Every device of a scope, sorted."""
        with self._reading() as db:
            return [str(device) for (device,) in db.execute(IDS, (number_of(db, scope),))]

    def holders(self, account: str, sku: str, of: Holders = "certain") -> dict[str, int]:
        """How many devices hold a SKU, by the kind of their ids.

        :param of: C(certain) ones, or without those about which something was only inferred, or with those that were
            confirmed and may have been C(overtaken).
        """
        with self._reading() as db:
            keys = {scope.kind: key for key, scope in scopes_of(db, account).items() if scope.sku == sku}
            return {kind: _holders(db, key, of) for kind, key in keys.items()}

    def shared(self, account: str) -> dict[Scope, list[str]]:
        """The devices of each scope for which another SKU of the account was also sent, by the same kind of id."""
        with self._reading() as db:
            scopes = scopes_of(db, account)
            found: dict[Scope, list[str]] = {}
            for kind in sorted({scope.kind for scope in scopes.values()}):
                keys = [key for key, scope in scopes.items() if scope.kind == kind]
                devices = in_several(db, keys) if len(keys) > 1 else []
                found.update((scopes[key], devices) for key in keys if devices)
            return found

    def named_by(self, request_id: str) -> int:
        """How many devices were sent under a request id."""
        with self._reading() as db:
            return int(db.execute(NAMED_BY, (request_id,)).fetchone()[0])

    def removed_by_another_kind(self, scope: Scope) -> Removed:
        """The removals of this SKU by the other kind of id that may have taken it from a device."""
        with self._reading() as db:
            number, until = db.execute(REMOVED_BY_ANOTHER_KIND, scope).fetchone()
            return Removed(number or 0, until or "")

    def windows(self, account: str, sku: str) -> list[Window]:
        """What can have changed the account's count of a SKU. Read the count before."""
        with self._reading() as db:
            return windows_of(db, account, sku)

    def begin_run(
        self,
        scope: Scope,
        action: Action,
        assigned_before: int | None,
        counted: str = "",
        *,
        planned_after: int | None = None,
    ) -> int:
        """Record that a job starts to send. An earlier job of this account was killed, because this one has the lock.

        :param counted: the time right before C(assigned_before) was read; now if it is empty.
        :param planned_after: the account's last run in the snapshot that the plan was made of.
        :raises LicensingError: C(journal_locked): a job of the account is sending that the lock did not keep out, or
            one has sent since that snapshot. It may have used the journal at another place, from where it came back.
        """
        values = (scope.account, scope.sku, action, assigned_before, platform.node(), os.getpid(), counted or now())
        with self._writing() as db:
            self._store.require_alone(db, scope.account)
            if planned_after is not None and _last_run(db, scope.account) > planned_after:
                raise _overtaken(self._store.name, scope.account)
            db.execute("UPDATE run SET ended = ? WHERE ended IS NULL AND account = ?", (now(), scope.account))
            db.execute("INSERT INTO scope (account, sku, kind) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", scope)
            run = db.insert(
                "INSERT INTO run (account, sku, action, assigned_before, host, pid, started) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                values,
            )
            key = number_of(db, scope)
        self._scopes[scope] = key
        self._store.run_begun()
        return run

    def end_run(self, run: int) -> None:
        """Record that the job finished."""
        with self._writing() as db:
            db.execute("UPDATE run SET ended = ? WHERE id = ?", (now(), run))

    def intend(self, run: int, scope: Scope, action: Action, devices: t.Sequence[str], x_request_id: str) -> int:
        """Record a request before it is sent.

        :raises LicensingError: it could not be written, or the file no longer has its name.
        """
        with self._writing() as db:
            key = self._scopes.get(scope) or number_of(db, scope)
            values = (run, key, action, len(devices), x_request_id, now())
            request = db.insert(
                "INSERT INTO request (run, scope, action, devices, x_request_id, state, sent) "
                "VALUES (?, ?, ?, ?, ?, 'sending', ?)",
                values,
            )
            db.executemany(
                "INSERT INTO entry (scope, device_id, request) VALUES (?, ?, ?)",
                [(key, device, request) for device in devices],
            )
            reports = _last_report(db)
            self._store.require_intact()
        self._store.request_begun(request, run)
        self._reports_before[request] = reports
        return request

    def accepted(self, request: int, request_id: str) -> bool:
        """Record ThingSpace's answer, and apply a confirmation that arrived before it.

        :returns: False if another request has this id, or if a report under it is older than this request. Then the
            answer is not about this request and was not recorded.

        The record survives a kill at once, and a power cut after the next write. Until then, the request counts as
        lost.
        """
        before = self._reports_before.pop(request, 0)
        with self._writing(flush=False) as db:
            fresh = db.execute(ACCEPT, (request_id, now(), request, request_id, request_id, before)).rowcount
            if fresh:
                adopt(db, request_id)
        return bool(fresh)

    def reported_since(self, report: int) -> tuple[int, dict[tuple[str, str], set[str]]]:
        """What was reported under unknown request ids: the statuses of each device, by the kind of its id and the id.

        :param report: the number of the last report that is known already.
        :returns: also the number of the last report now.
        """
        found: dict[tuple[str, str], set[str]] = {}
        with self._reading() as db:
            rows = db.execute(REPORTED_SINCE, (report,)).fetchall()
            last = _last_report(db)
        for devices, status in rows:
            for kind, device in json.loads(devices):
                found.setdefault((kind, device), set()).add(status)
        return last, found

    def settle(self, request: int, state: RequestState, answer: str) -> None:
        """Record any other result of a request."""
        self._reports_before.pop(request, None)
        with self._writing() as db:
            db.execute(
                "UPDATE request SET state = ?, answer = ?, answered = ? WHERE id = ?", (state, answer, now(), request)
            )

    def refused(self, request: int, answer: str, reason: str) -> None:
        """Record that ThingSpace refused the only device of a request at once. This counts like a reported failure."""
        self._reports_before.pop(request, None)
        with self._writing() as db:
            db.execute(
                "UPDATE request SET state = 'rejected', answer = ?, answered = ? WHERE id = ?", (answer, now(), request)
            )
            db.execute(
                "UPDATE entry SET outcome = 'failed', reason = ?, confirmed = ? WHERE request = ?",
                (reason, now(), request),
            )

    def confirm(self, confirmations: t.Sequence[Confirmation]) -> list[Recorded]:
        """Record confirmations, all or none. They are on disk when this returns."""
        with self._writing() as db:
            when = arrival(db)
            return [record(db, confirmation, when) for confirmation in confirmations]

    def keep(self, took_effect: t.Iterable[Lost], no_effect: t.Iterable[Lost]) -> None:
        """Record the results of lost requests."""
        with self._writing() as db:
            for lost in took_effect:
                keep_took_effect(db, lost)
            for lost in no_effect:
                keep_no_effect(db, lost)

    def forget_counts(self, runs: t.Sequence[int]) -> None:
        """Forget the count before these runs: others changed it since, so it shows nothing any more."""
        with self._writing() as db:
            db.executemany("UPDATE run SET assigned_before = NULL WHERE id = ?", [(run,) for run in runs])

    def keep_counted(self, requests: t.Iterable[int], when: str, *, watched: bool) -> None:
        """Record which requests were carried out according to the account's count.

        :param when: a time at which the count showed that.
        :param watched: whether the run that sent them saw the count change by them alone.
        """
        with self._writing() as db:
            keep_counted(db, requests, when, watched=watched)


def open_journal(
    place: str, *, write: bool, told: Told, patience: float = PATIENCE, ready: Store | None = None
) -> Journal:
    """Open a journal, see C(open_store). With an empty place, the journal lasts as long as the process.

    :param ready: what C(require_usable) has opened already.
    """
    if ready is None:
        return Journal(open_store(place, write=write, told=told, patience=patience))
    # It may have moved in the meantime.
    read_now(ready, functools.partial(require_here, ready.name))
    return Journal(ready)


def _overtaken(place: str, account: str) -> LicensingError:
    return LicensingError(
        f"Another job sent SIM-Secure changes for the account {account} after this task had read the journal {place}: "
        "the journal was moved to or from another place meanwhile. Nothing was sent by this task. Run again.",
        code="journal_locked",
    )


def _holders(db: Transaction, scope: int | None, of: Holders) -> int:
    def count(query: str, *values: t.Any) -> int:
        return int(db.execute(query, values).fetchone()[0])

    if of == "proved":
        return count(PROVED_HOLDERS, scope)
    if of == "certain":
        return count(HOLDERS, scope) - count(OVERTAKEN_HOLDERS, scope, scope)
    return count(HOLDERS, scope) + count(OVERTAKEN_OTHERS, scope, scope)


def _last_run(db: Transaction, account: str) -> int:
    return int(db.execute("SELECT coalesce(max(id), 0) FROM run WHERE account = ?", (account,)).fetchone()[0])


def _last_report(db: Transaction) -> int:
    return int(db.execute("SELECT coalesce(max(id), 0) FROM callback").fetchone()[0])
