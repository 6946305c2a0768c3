# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The longer queries. CROSS JOIN keeps the order of the tables, because the planner does not know their sizes."""

from __future__ import annotations

from .status import BY_COUNT

_REQUESTED = "FROM request CROSS JOIN scope ON scope.id = request.scope CROSS JOIN entry ON entry.request = request.id"

OWN = (
    "(entry.outcome IS NOT NULL AND entry.request_id IS NULL AND request.request_id IS NOT NULL "
    "AND NOT EXISTS (SELECT 1 FROM callback WHERE callback.request_id = request.request_id "
    "AND callback.status IN ('success', 'failed') AND callback.status <> entry.outcome "
    "AND instr(callback.devices, '\"' || entry.device_id || '\"') > 0))"
)
"""Whether an outcome was reported under the request's own id, and no report under that id contradicts it."""

ACCEPT = (
    "UPDATE request SET state = 'accepted', request_id = ?, answered = ? WHERE id = ? "
    "AND NOT EXISTS (SELECT 1 FROM request AS other WHERE other.request_id = ? AND other.id <> request.id) "
    "AND NOT EXISTS (SELECT 1 FROM callback WHERE callback.request_id = ? AND callback.id <= ?)"
)
"""Gives a request its id, unless that is older: another one has it, or a report under it is not newer than a report."""

_ATTEMPT = (
    "SELECT entry.device_id, request.id, request.action, request.state, entry.outcome, "
    "CASE WHEN entry.outcome IS NULL THEN request.answer ELSE entry.reason END, "
    "coalesce(entry.request_id, request.request_id, ''), request.x_request_id, request.sent, "
    "coalesce(entry.confirmed, '')"
)
ATTEMPTS = f"{_ATTEMPT}, {OWN} FROM entry JOIN request ON request.id = entry.request WHERE entry.scope = ?"
ATTEMPTS_ORDER = "ORDER BY entry.device_id, entry.request"
"""The attempts for a scope's devices, oldest first. Conditions go between the two."""

IDS = "SELECT DISTINCT device_id FROM entry WHERE scope = ? ORDER BY device_id"
DEVICES_OF = "SELECT device_id FROM entry WHERE scope IN"
IN_SEVERAL = "GROUP BY device_id HAVING count(DISTINCT scope) > 1 ORDER BY device_id"
"""The devices that are in more than one of some scopes. The numbers of the scopes go between the two."""

_DEVICES_HAVING = (
    "SELECT count(*) FROM (SELECT 1 FROM entry JOIN request ON request.id = entry.request WHERE entry.scope = ? "
    "GROUP BY entry.device_id HAVING"
)
_MAY_REMOVE = (
    "request.action = 'remove' AND (entry.outcome = 'success' OR (entry.outcome IS NULL "
    "AND request.state NOT IN ('rejected', 'not_sent', 'no_effect')))"
)
_SENT_LATER = (
    "max(CASE WHEN request.action = 'assign' AND entry.outcome = 'success' THEN request.id ELSE 0 END) > "
    f"max(CASE WHEN {_MAY_REMOVE} THEN request.id ELSE 0 END)"
)
_DONE = "max(CASE WHEN request.action = '{0}' AND entry.outcome = 'success'{1} THEN entry.confirmed ELSE '' END)"
HOLDERS = f"{_DEVICES_HAVING} {_SENT_LATER}) AS holder"
"""How many devices of a scope hold the license, in the order in which the requests were sent."""

_REMOVED_ONCE = (
    "entry.device_id IN (SELECT removed.device_id FROM request AS removal CROSS JOIN entry AS removed "
    "ON removed.request = removal.id AND removed.scope = removal.scope "
    "WHERE removal.scope = ? AND removal.action = 'remove' AND removed.outcome = 'success')"
)
_OF_THESE = _DEVICES_HAVING.replace("GROUP BY", f"AND {_REMOVED_ONCE} GROUP BY")
OVERTAKEN_HOLDERS = (
    f"{_OF_THESE} {_SENT_LATER} AND {_DONE.format('assign', '')} <= {_DONE.format('remove', f' AND {OWN}')}) AS holder"
)
"""How many of them do not certainly hold it, because C(fold) calls them overtaken. Only a few devices matter."""

_DONE_LAST = (
    "max(CASE WHEN entry.outcome = 'success' THEN request.id ELSE 0 END) > "
    "max(CASE WHEN entry.outcome IS NULL AND request.state NOT IN ('rejected', 'not_sent', 'no_effect') "
    "THEN request.id ELSE 0 END)"
)
OVERTAKEN_OTHERS = (
    f"{_OF_THESE} NOT ({_SENT_LATER}) AND {_DONE_LAST} "
    f"AND {_DONE.format('assign', f' AND {OWN}')} >= {_DONE.format('remove', '')}) AS holder"
)
"""How many other devices may hold it, because C(fold) calls them overtaken."""

_UNTIL = f"CASE WHEN {OWN} AND entry.outcome = 'success' THEN entry.confirmed ELSE '9999' END"
"""Until when a request may have been carried out: until its report, or any time."""

PROVED_HOLDERS = (
    f"{_DEVICES_HAVING} "
    f"max(CASE WHEN request.action = 'assign' AND entry.outcome = 'success' AND {OWN} THEN request.sent END) >= "
    "max(CASE WHEN request.action = 'remove' "
    "AND NOT (request.state IN ('rejected', 'not_sent') AND coalesce(entry.outcome, '') <> 'success') "
    f"AND NOT (coalesce(entry.outcome, '') = 'failed' AND {OWN}) THEN {_UNTIL} ELSE '' END)) AS holder"
)
"""How many devices of a scope hold the license as C(DeviceStatus.proved) says: nothing of it is inferred."""

_IN_DOUBT = "request.state IN ('sending', 'unknown') AND entry.outcome IS NULL"
_AFTER = (
    "EXISTS (SELECT 1 FROM entry AS later JOIN request AS after ON after.id = later.request "
    "WHERE later.scope = entry.scope AND later.device_id = entry.device_id AND later.request > entry.request AND "
)
_SENT_AGAIN = (
    f"{_AFTER} after.state NOT IN ('rejected', 'not_sent', 'no_effect') AND coalesce(later.outcome, '') <> 'failed')"
)
_FAILED_AGAIN = f"{_AFTER} coalesce(later.outcome, '') = 'failed')"
"""Whether a later request for the device may have had an effect, and whether one failed, which says nothing about
earlier ones.
"""

_LOST = "SELECT request.id, request.run, request.action, request.sent, scope.kind, entry.device_id"
LOST = (
    f"{_LOST}, {_FAILED_AGAIN} {_REQUESTED} "
    f"WHERE {_IN_DOUBT} AND scope.account = ? AND scope.sku = ? AND NOT {_SENT_AGAIN} "
    "ORDER BY request.id, entry.device_id"
)
"""The devices of requests without a reliable answer that were neither reported on nor sent again since, or only in
vain, and whether that is so.
"""

_ANOTHER = (
    "SELECT 1 FROM entry AS {0} JOIN request AS {0}_request ON {0}_request.id = {0}.request "
    "WHERE {0}.scope = entry.scope AND {0}.device_id = entry.device_id AND "
)
_MADE_UP_FOR = (
    f"EXISTS ({_ANOTHER.format('again')} again.request > entry.request AND again_request.action = request.action "
    f"AND again.outcome = 'success' AND NOT EXISTS ({_ANOTHER.format('back')} "
    "back_request.action <> request.action AND back_request.state NOT IN ('rejected', 'not_sent') "
    "AND (back.request > again.request OR coalesce(back.confirmed, '9999') > again.confirmed)))"
)
"""Whether a device is in the state that an open request wants, so that carrying it out would change nothing. A slow
request of the opposite kind may have been carried out after a later one.
"""
_IN_FLIGHT = (
    "(request.run >= ? OR request.sent >= ? OR (request.sent >= ? AND "
    f"(entry.confirmed >= ? OR (entry.outcome IS NULL AND NOT {_MADE_UP_FOR}))))"
)
"""What may be carried out after a run began: what was sent or reported since then or shortly before, and what is still
open.
"""

_STEPS = (
    "SELECT scope.kind, entry.device_id, request.run, request.action, entry.outcome IS NOT NULL, request.sent, "
    "coalesce(entry.confirmed, '')"
)
_DEVICES = "SELECT DISTINCT entry.scope, entry.device_id"
CHANGES = (
    f"{_STEPS} FROM ({_DEVICES} {_REQUESTED} "
    "WHERE scope.account = ? AND scope.sku = ? AND (request.run >= ? "
    "OR (request.sent >= ? AND (entry.outcome IS NULL OR entry.confirmed > ?)))) AS moving "
    "CROSS JOIN scope ON scope.id = moving.scope "
    "CROSS JOIN entry ON entry.scope = moving.scope AND entry.device_id = moving.device_id "
    "CROSS JOIN request ON request.id = entry.request WHERE entry.outcome = 'success' "
    "OR (entry.outcome IS NULL AND request.state IN ('accepted', 'sending', 'unknown')) "
    "ORDER BY moving.scope, moving.device_id, request.id"
)
"""Every request that was carried out or may have been, for the devices that may have changed since a run began."""

_EACH_HELD = "SELECT count(*) FROM (SELECT 1 FROM entry JOIN request ON request.id = entry.request "
HELD_BEFORE = (
    f"{_EACH_HELD} JOIN scope ON scope.id = entry.scope "
    "WHERE scope.account = ? AND scope.sku = ? AND scope.kind = ? AND request.run < ? "
    "GROUP BY entry.device_id HAVING "
    "max(CASE WHEN request.action = 'assign' AND entry.outcome = 'success' AND entry.confirmed <= ? "
    f"THEN request.id ELSE 0 END) > max(CASE WHEN {_MAY_REMOVE} THEN request.id ELSE 0 END) "
    f"AND {_DONE.format('assign', ' AND entry.confirmed <= ?')} > {_DONE.format('remove', '')}) AS holder"
)
"""How many devices of a kind held the license for certain when a run began."""

COUNTED = f"coalesce(entry.outcome, '') = 'success' AND entry.reason = '{BY_COUNT}'"
"""Whether only the account's count confirms an entry."""

_SENT_AND_CONFIRMED = (
    f"SELECT request.sent, entry.confirmed {_REQUESTED} "
    "WHERE scope.account = ? AND entry.confirmed IS NOT NULL AND entry.request_id IS NULL "
)
LATENCY = f"{_SENT_AND_CONFIRMED} AND request.state = 'accepted' AND NOT ({COUNTED}) ORDER BY request.id DESC LIMIT 200"
"""When the last devices with a report were sent, and when ThingSpace reported on them."""

_UNREPORTED = "request.state IN ('accepted', 'sending', 'unknown') AND entry.outcome IS NULL"
_ANY = "SELECT 1 FROM entry WHERE entry.request = request.id"
_RUNS = (
    "SELECT DISTINCT run.id, run.assigned_before, run.started FROM request "
    "CROSS JOIN scope ON scope.id = request.scope CROSS JOIN run ON run.id = request.run "
    "WHERE request.sent >= ? AND scope.account = ? AND scope.sku = ? AND run.assigned_before IS NOT NULL "
)
COUNTED_RUNS = f"{_RUNS} AND EXISTS ({_ANY} AND {_UNREPORTED}) ORDER BY run.id DESC LIMIT 20"
"""The last runs that know the account's count before them and have devices without a report."""

BASELINES = (
    "SELECT id, assigned_before FROM run WHERE account = ? AND sku = ? AND id <= ? AND (id = ? OR started >= ?) "
    "ORDER BY id DESC LIMIT 20"
)
"""A run and those shortly before it, with the account's count before each; NULL if nothing can be concluded from it."""

LAST_COUNTED = (
    "SELECT id FROM run WHERE account = ? AND sku = ? AND assigned_before IS NOT NULL ORDER BY id DESC LIMIT 1"
)
"""The last run that knows the account's count before it."""

_SINCE = f"{_REQUESTED} WHERE {_IN_FLIGHT} AND scope.account = ? AND scope.sku = ? "
_TOTALS = (
    "SELECT request.action, count(DISTINCT scope.kind || entry.device_id), max(request.sent), min(request.run), "
    "max(request.run)"
)
MAY_HAVE_CHANGED = (
    f"{_TOTALS} {_SINCE} "
    "AND NOT (request.state IN ('rejected', 'not_sent') AND coalesce(entry.outcome, '') <> 'success') "
    f"AND NOT (coalesce(entry.outcome, '') = 'failed' AND {OWN}) "
    f"AND NOT (request.run < ? AND {COUNTED} AND entry.confirmed <= ?) GROUP BY request.action"
)
"""How many devices may have changed since a run read the account's count. That count includes what an earlier count
confirmed. Whether it includes what ThingSpace reported shortly before is unknown.
"""
COUNTED_UNWATCHED = (
    f"SELECT 1 {_REQUESTED} WHERE request.sent >= ? AND scope.account = ? AND scope.sku = ? AND {COUNTED} "
    "AND entry.request_id IS NOT NULL LIMIT 1"
)
"""Whether a count that was not watched confirms something. It may have shown the effect of something else, so that this
request is still to be carried out.
"""

_REQUESTS = "SELECT DISTINCT request.action, request.id"
UNREPORTED = f"{_REQUESTS} {_SINCE} AND {_UNREPORTED} ORDER BY request.id"
"""The requests since then that have devices without a report."""

_RECENT = "SELECT {1} AS at FROM (SELECT {1} FROM {0} ORDER BY id DESC LIMIT 20) AS recent_{0}"
_SENT = f"{_RECENT.format('request', 'sent')} UNION ALL {_RECENT.format('run', 'started')}"
_LATEST = "SELECT max(at)"
SENT_LAST = f"{_LATEST} FROM ({_SENT}) AS recent WHERE at <= ?"
"""The latest time until a timestamp at which one of the last requests was sent, or one of the last runs began."""

REPORTED_SINCE = "SELECT devices, status FROM callback WHERE matched = 0 AND status != 'other' AND id > ?"
"""What was reported under unknown request ids after a report."""

UNMATCHED = (
    "SELECT request_id, devices, status, reason, received FROM callback WHERE matched = 0 AND status != 'other' "
    "AND received BETWEEN ? AND ? ORDER BY id"
)
"""Reports under unknown request ids between two timestamps."""

NAMED_BY = (
    "SELECT count(*) FROM request CROSS JOIN entry ON entry.request = request.id AND entry.scope = request.scope "
    "WHERE request.request_id = ?"
)
"""How many devices were sent under a request id, even if several requests got the same id."""

_REMOVALS_BY_ANOTHER_KIND = (
    f"{_REQUESTED} WHERE request.action = 'remove' AND scope.account = ? AND scope.sku = ? AND scope.kind <> ? "
    "AND NOT (request.state IN ('rejected', 'not_sent') AND coalesce(entry.outcome, '') <> 'success')"
)
_LAST = "SELECT max(request.id)"
REMOVED_BY_ANOTHER_KIND = (
    f"{_LAST}, max({_UNTIL}) {_REMOVALS_BY_ANOTHER_KIND} AND NOT ({OWN} AND coalesce(entry.outcome, '') = 'failed')"
)
"""The last removal of a SKU by another kind of id that may have taken it from a device, and until when all of these
were reported. If one of them is still open, that is in the far future.
"""
