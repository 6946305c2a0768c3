# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The endpoints of the removal candidate list: create, read, delete (cancel pages of v1 and v2; v3 has none)."""

from __future__ import annotations

import re
from typing import Any

from ...http.messages import Reply
from ...world.account import Account
from ...world.candidates import Candidates, candidates_of
from ...world.device import is_imei
from .. import errors
from ..call import Call
from .dialects import written
from .request import BAD_DEVICE, UNREADABLE, body_of, check_size, devices_in, licensed_account_of

PAST_THE_END = "Index exceeds number of devices in list"  # Error Messages page
BAD_INDEX = "Invalid index value"  # Error Messages page
# Whether such devices are refused is not documented, the two texts are ours.
UNLICENSED = "No license attached to device"
REPEATED = "Device is already in list"


def create(call: Call) -> Reply:
    """Take devices into the list: ``append`` extends it, no type replaces it as a whole (cancel page of v1)."""
    account = licensed_account_of(call)
    given = body_of(call)
    append = _appends(given)
    ids = devices_in(call, given)
    _check(call, given, ids)
    quirks = call.world.quirks
    candidates = candidates_of(account)
    fresh = _unrepeated(call, _licensed(call, account, ids), candidates if append else Candidates((), 0))
    change = candidates.append if append else candidates.replace
    change(fresh, call.world.clock.now_ms())
    named = ids if quirks.word("candidates_answer") == "request" else list(candidates.ids)
    return Reply(data={"count": len(named), "deviceList": named})


def listing(call: Call) -> Reply:
    """Answer with the devices from a record number on, up to a page; the first has the number zero."""
    candidates = candidates_of(licensed_account_of(call))
    quirks = call.world.quirks
    start = _start(call)
    if start >= len(candidates) and not (start == 0 and quirks.word("candidates_empty") == "empty"):
        raise errors.fota(PAST_THE_END)
    ids, more = candidates.page(start, quirks.count("candidates_page"))
    reply = {
        "count": len(candidates) if quirks.word("candidates_count") == "total" else len(ids),
        "hasMoreData": more,
        "updateTime": written(candidates.updated_ms, quirks),
        "deviceList": ids,
    }
    return Reply(data=reply)


def delete(call: Call) -> Reply:
    """Empty the list; an empty one is no error, though that is not documented."""
    candidates_of(licensed_account_of(call)).replace([], call.world.clock.now_ms())
    return Reply(data={"success": True})


def _appends(given: dict[str, Any]) -> bool:
    """Say whether the list is to be extended; another type is not documented, and refused."""
    if "type" in given and given["type"] != "append":
        raise errors.fota(UNREADABLE)
    return "type" in given


def _check(call: Call, given: dict[str, Any], ids: list[str]) -> None:
    """Refuse the whole request for what is wrong with its numbers or with one of its ids."""
    quirks = call.world.quirks
    if call.route.version == "v2" and quirks.word("candidates_body_count") == "check":
        count = given.get("count")
        if isinstance(count, bool) or count != len(ids):
            raise errors.fota(UNREADABLE)
    check_size(ids, quirks.count("candidates_limit"))
    if not all(is_imei(one) for one in ids):
        raise errors.fota(BAD_DEVICE)


def _licensed(call: Call, account: Account, ids: list[str]) -> list[str]:
    """Return the ids that may be listed; what happens to a device without a license is a quirk."""
    word = call.world.quirks.word("candidates_unlicensed")
    if word == "accept":
        return ids
    licensed = [one for one in ids if one in account.licenses]
    if word == "reject" and len(licensed) < len(ids):
        raise errors.fota(UNLICENSED)
    return licensed


def _unrepeated(call: Call, ids: list[str], before: Candidates) -> list[str]:
    """Return the ids to add; what happens to one that is listed or named twice is a quirk."""
    word = call.world.quirks.word("candidates_repeated")
    if word == "append":
        return ids
    fresh = list(dict.fromkeys(one for one in ids if one not in before))
    if word == "reject" and len(fresh) < len(ids):
        raise errors.fota(REPEATED)
    return fresh


def _start(call: Call) -> int:
    """Return the record number asked for; in the query of v2 it is optional (SDK)."""
    text = call.names["start"] if "start" in call.names else call.request.query.get("startIndex", "0")
    if not re.fullmatch(r"0*[0-9]{1,18}", text):
        raise errors.fota(BAD_INDEX)
    return int(text[-18:])
