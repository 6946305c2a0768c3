# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Devices with their FOTA license: the lists of all versions, and the v3 call for named devices.

Sources: the pages "Get a list of devices in an account" of v1, v2, and v3, "Get Device Information for a List of
Devices" of v3, and the SDK models DeviceListQueryItem, V2AccountDevice, V3AccountDevice, and V3Device.
"""

from __future__ import annotations

from typing import Any

from ..http.messages import Reply
from ..world.account import Account
from ..world.device import Device, is_imei
from .call import Call, fota_error
from .dialects import dialect, written
from .fota import BAD_DEVICE, account_of, body_of, check_size, cursor_of, devices_in, unknown_reason

NEVER = "01/01/1900 0:0:0"  # SDK model DeviceListQueryItem: a device that has never been upgraded
MOST = 1000  # pages of all versions: the most devices in an answer
SPELLED = {"OMADM": "OMD-DM"}  # v2 page
FILTERS = {"v1": "clientType", "v2": "distributionType", "v3": "protocol"}


def listing(call: Call) -> Reply:
    """Answer with a page of the devices whose IMEI is greater than the cursor, licensed or not."""
    account, quirks, version = account_of(call), call.world.quirks, call.route.version
    cursor = cursor_of(call, account)
    ids, more = account.devices_after(cursor, quirks.count("fota_device_page"))
    paging = dialect(version, quirks).paging(more, ids[-1] if ids else cursor)
    if "maxPageSize" in paging:
        paging["maxPageSize"] = quirks.count("fota_device_page")
    wanted = _protocol(call, "")
    devices = [account.devices[imei] for imei in ids]
    rows = [_row(call, account, device) for device in devices if wanted in ("", device.protocol)]
    return Reply(data={"accountName": account.name, **paging, "deviceList": rows})


def lookup(call: Call) -> Reply:
    """Answer for named devices, in the order of their ids."""
    account, quirks = account_of(call), call.world.quirks
    given = body_of(call)
    ids = devices_in(call, given)
    if quirks.word("v3_lookup_more") == "reject":
        check_size(ids, MOST)
    if quirks.word("bad_device") == "reject" and not all(is_imei(imei) for imei in ids):
        raise fota_error(BAD_DEVICE)
    cursor = call.request.query.get("lastSeenDeviceId", "0")
    # A short id sorts behind nothing, so "0" is before every IMEI.
    rest = sorted(imei for imei in set(ids) if imei > cursor or cursor == "0")
    page, wanted = rest[: quirks.count("fota_device_page")], _protocol(call, quirks.word("v3_protocol"))
    rows = [row for imei in page if (row := _named(call, account, imei, wanted)) is not None]
    more = {"hasMoreData": True, "lastSeenDeviceId": page[-1]} if len(rest) > len(page) else {"hasMoreData": False}
    return Reply(data={"accountName": account.name, "deviceCount": len(rows), **more, "deviceList": rows})


def _protocol(call: Call, default: str) -> str:
    """Return the protocol asked for; empty for all."""
    found = call.request.query.get(FILTERS[call.route.version], "" if default == "all" else default)
    return next((name for name, spelled in SPELLED.items() if spelled == found), found)


def _named(call: Call, account: Account, imei: str, protocol: str) -> dict[str, Any] | None:
    """Return the row of a device that was asked for; None if the answer leaves it out."""
    device, quirks = account.devices.get(imei), call.world.quirks
    if device is None or protocol not in ("", device.protocol):
        if quirks.word("v3_lookup_unknown" if device is None else "v3_lookup_protocol") == "missing":
            return None
        return {"deviceId": imei, "requestStatus": "Failure", "resultReason": unknown_reason(call, imei)}
    row = _row(call, account, device)
    if not quirks.flag("v3_lookup_upgrade_time"):
        row.pop("upgradeTime", None)
    seen = written(account.updated_ms, quirks)
    return {
        "requestStatus": "Success",
        "resultReason": "Success",
        **row,
        "statusTime": seen,
        "lastConnectionTime": seen,
    }


def _row(call: Call, account: Account, device: Device) -> dict[str, Any]:
    """Return a device in the words of the version."""
    quirks, version = call.world.quirks, call.route.version
    upgraded, made = device.upgraded_ms, written(account.updated_ms, quirks)
    row: dict[str, Any] = {
        "deviceId": device.imei,
        "mdn": device.imei[-10:],
        "model": "SIM-1",
        "make": "Simulator",
        "fotaEligible": device.eligible,
        "licenseAssigned": _flag(call, account, device.imei),
        "upgradeTime": NEVER if upgraded is None else written(upgraded, quirks),
    }
    if version != "v2":
        row["firmware"] = "SIM-1.0"
    if version == "v2":
        row.update(appFotaEligible=device.eligible, distributionType=SPELLED.get(device.protocol, device.protocol))
    if version == "v3":
        row.update(status="", protocol=device.protocol, fileList=[])
    if version != "v1":
        row.update(softwareList=[], createTime=made, updateTime=made, refreshTime=made)
    lacking = quirks.word("fota_devices_lack")
    return {name: value for name, value in row.items() if name != lacking}


def _flag(call: Call, account: Account, imei: str) -> bool:
    """Return licenseAssigned. A quirk lets it show a change later."""
    delay_ms = call.world.quirks.number("license_flag_delay") * 1000
    changed = account.changed.get(imei)
    stale = bool(delay_ms) and changed is not None and call.world.clock.now_ms() - changed < delay_ms
    return (imei in account.licenses) != stale
