# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The removal candidate list: create, read, delete (cancel pages of v1 and v2; v3 has no such list)."""

from __future__ import annotations

import re
from typing import Any

from ..http.messages import Reply
from ..world.account import Account, Candidates
from ..world.device import is_imei
from .call import Call, fota_error
from .dialects import written
from .fota import BAD_DEVICE, UNREADABLE, body_of, check_size, devices_in, licensed_account_of

PAST_THE_END = "Index exceeds number of devices in list"  # Error Messages page
BAD_INDEX = "Invalid index value"  # Error Messages page
# Whether such devices are refused is not documented, so the two texts are ours.
UNLICENSED = "No license attached to device"
REPEATED = "Device is already in list"


def create(call: Call) -> Reply:
    """List devices: ``append`` extends the list, no type replaces the whole list (cancel page of v1)."""
    account = licensed_account_of(call)
    given = body_of(call)
    append = _appends(given)
    ids = devices_in(call, given)
    _check(call, given, ids)
    quirks = call.world.quirks
    candidates = account.candidates
    fresh = _unrepeated(call, _licensed(call, account, ids), candidates if append else Candidates())
    change = candidates.append if append else candidates.replace
    change(fresh, call.world.clock.now_ms())
    word = quirks.word("candidates_answer")
    named = list(candidates.ids) if word == "list" else ids
    of_list = word == "documented" and call.route.version == "v1"
    return Reply(data={"count": len(candidates.ids if of_list else named), "deviceList": named})


def listing(call: Call) -> Reply:
    """Answer with a page of devices from a record number on. The first record is number 0."""
    candidates = licensed_account_of(call).candidates
    quirks = call.world.quirks
    start = _start(call)
    if start >= len(candidates.ids) and not (start == 0 and quirks.word("candidates_empty") == "empty"):
        raise fota_error(PAST_THE_END)
    end = start + quirks.count("candidates_page")
    ids = candidates.ids[start:end]
    reply = {
        "count": len(candidates.ids) if quirks.word("candidates_count") == "total" else len(ids),
        "hasMoreData": end < len(candidates.ids),
        "updateTime": written(candidates.updated_ms, quirks),
        "deviceList": ids,
    }
    return Reply(data=reply)


def delete(call: Call) -> Reply:
    """Empty the list. To empty an empty list is no error, though no document says so."""
    licensed_account_of(call).candidates.replace([], call.world.clock.now_ms())
    return Reply(data={"success": True})


def _appends(given: dict[str, Any]) -> bool:
    """Say whether to extend the list. Another type is not documented, and refused."""
    if "type" in given and given["type"] != "append":
        raise fota_error(UNREADABLE)
    return "type" in given


def _check(call: Call, given: dict[str, Any], ids: list[str]) -> None:
    """Refuse the whole request for a wrong count, too many ids, or one bad id."""
    quirks = call.world.quirks
    if call.route.version == "v2" and quirks.word("candidates_body_count") == "check":
        count = given.get("count")
        if isinstance(count, bool) or count != len(ids):
            raise fota_error(UNREADABLE)
    check_size(ids, quirks.count("candidates_limit"))
    if not all(is_imei(one) for one in ids):
        raise fota_error(BAD_DEVICE)


def _licensed(call: Call, account: Account, ids: list[str]) -> list[str]:
    """Return the ids that may be listed. A quirk decides about devices without a license."""
    word = call.world.quirks.word("candidates_unlicensed")
    if word == "accept":
        return ids
    licensed = [one for one in ids if one in account.licenses]
    if word == "reject" and len(licensed) < len(ids):
        raise fota_error(UNLICENSED)
    return licensed


def _unrepeated(call: Call, ids: list[str], before: Candidates) -> list[str]:
    """Return the ids to add. A quirk decides about ids that are listed or named twice."""
    word = call.world.quirks.word("candidates_repeated")
    if word == "append":
        return ids
    fresh = list(dict.fromkeys(one for one in ids if one not in before))
    if word == "reject" and len(fresh) < len(ids):
        raise fota_error(REPEATED)
    return fresh


def _start(call: Call) -> int:
    """Return the record number asked for. It is optional in the query of v2 (SDK)."""
    text = call.names["start"] if "start" in call.names else call.request.query.get("startIndex", "0")
    if not re.fullmatch(r"0*[0-9]{1,18}", text):
        raise fota_error(BAD_INDEX)
    return int(text[-18:])
