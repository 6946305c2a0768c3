# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Fleet files in the form that the modules read: the flow of C(fleet_files)."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import typing as t

from .._devices.ids import digest_of
from .._errors import LicensingError, OptionsError, Problem
from .._module import Context, Result
from .._simsec.skus import sku_of
from .._text.files import replacing
from .._thingspace.api_versions import API_VERSION, CANDIDATES_VERSION
from .account_parts import SkuPool
from .accounts import read_fleet, resolved
from .read import FleetAccount
from .wanted import WantedAccount, removes

Lists = dict[str, list[str]]
"""Devices by the name of the file in which they are written."""


def run(context: Context) -> Result:
    """Read and check the files, ask ThingSpace for the selected devices, and write the lists."""
    params = context.params
    fleet, problems = read_fleet(params["src"], params["accounts"])
    problems += _dest_problems(params["dest"])
    if problems:
        raise OptionsError(problems)
    found = resolved(context, fleet, offline=params["offline"])
    if params["offline"]:
        entries = [_offline(context, account, wanted) for account, wanted in found]
    else:
        made = [account_entry(context, account, wanted, warn=bool(params["dest"])) for account, wanted in found]
        # Everything that can fail has been done by now, except the writing itself.
        entries = [{**entry, "lists": _write(context.params["dest"], entry["account"], lists)} for entry, lists in made]
    files = {entry["account"]: entry["file"] for entry in entries}
    return Result({"accounts": entries, "files": files, "journal": params["journal"]})


def _dest_problems(dest: str | None) -> list[Problem]:
    if dest is None or (os.path.isdir(dest) and os.access(dest, os.W_OK)):
        return []
    why = "is not a directory that can be written to" if os.path.exists(dest) else "does not exist. Create it first"
    return [Problem(f"'dest' {dest} {why}.", "report_unwritable")]


def _offline(context: Context, account: FleetAccount, wanted: WantedAccount) -> dict[str, t.Any]:
    """The result for an account, with its lists if they can be created without asking ThingSpace.

    If one cannot be created, the other accounts still get theirs. A task for that account alone says why.
    """
    if context.params["dest"] and not account.selects:
        with contextlib.suppress(LicensingError):
            entry, lists = account_entry(context, account, wanted, warn=True)
            return {**entry, "lists": _write(context.params["dest"], account.name, lists)}
    entry, _lists = account_entry(context, account, wanted, certain=False)
    return {**entry, "lists": None}


def account_entry(
    context: Context, account: FleetAccount, wanted: WantedAccount, *, certain: bool = True, warn: bool = False
) -> tuple[dict[str, t.Any], Lists]:
    """The result for an account, and its lists.

    :param certain: whether all devices are known, so that other devices in the journal are not wanted.
    :param warn: whether to warn if there is no journal.
    :raises LicensingError: the journal cannot be read.
    """
    lists: Lists = {}
    made: dict[str, t.Any] = {"account": account.name, "file": account.path, "fota": None, "simsec": []}
    if account.manages("fota"):
        lists["fota"] = list(wanted.fota)
        made["fota"] = {"api_version": API_VERSION, **(account.fota or {}), "count": len(wanted.fota)}
        made["fota"]["state"] = "exact" if removes(account, wanted, "fota") else "present"
    made["removal_candidates"] = None
    if account.manages("removal_candidates"):
        lists["candidates"], lists["protected"] = list(wanted.candidates), sorted(wanted.protected)
        settings = {"api_version": CANDIDATES_VERSION, **(account.removal_candidates or {})}
        made["removal_candidates"] = {**settings, "count": len(wanted.candidates), "protected": len(wanted.protected)}
    made["simsec"] = _simsec(context, account, wanted, lists, certain=certain, warn=warn)
    made["digest"] = _digest(made, lists)
    if wanted.protected:
        # Nothing is done about a list that is not managed, but the report says which of these devices are on it.
        lists.setdefault("protected", sorted(wanted.protected))
    # Freeze windows and names are not part of the wanted state.
    made["freeze"] = account.freeze
    made["sets"] = [{"name": name, "count": count} for name, count in wanted.sets]
    made["notes"] = wanted.notes
    return made, lists


def _simsec(
    context: Context, account: FleetAccount, wanted: WantedAccount, lists: Lists, *, certain: bool, warn: bool
) -> list[dict[str, t.Any]]:
    """One entry for each SKU and kind of id: the devices that get the license, and those that should lose it."""
    if not account.manages("simsec"):
        return []
    settings = {"state": "exact", **(account.simsec or {})}
    for_life = {name: settings.pop(name, {}) for name in ("lifetime_consent", "lifetime_elsewhere")}
    losing: dict[SkuPool, list[str]] = {}
    if certain and account.is_exact("simsec"):
        losing = _losing(context, account.name, wanted, warn=warn)
    made = []
    for pool in sorted({*wanted.pools, *losing}):
        sku, kind = pool
        stem = _stem(pool)
        lists[stem], lists[f"{stem}-remove"] = wanted.of_pool(pool), losing.get(pool, [])
        entry = {"sku": sku, "kind": kind, "lifetime": sku_of(sku).lifetime}
        entry.update({name: given.get(sku) for name, given in for_life.items()})
        counts = {"count": len(lists[stem]), "remove": len(lists[f"{stem}-remove"])}
        names = {"list": stem, "list_digest": digest_of(lists[stem]), "remove_list": f"{stem}-remove"}
        made.append({**entry, **settings, **counts, **names})
    return made


def _losing(context: Context, account: str, wanted: WantedAccount, *, warn: bool) -> dict[SkuPool, list[str]]:
    """Devices that may hold a removable license according to the journal, but should not.

    :raises LicensingError: the journal cannot be read.
    """
    path = context.params["journal"]
    if path:
        # A module compiles what it imports, each time. Many fleets have no journal.
        from .losing import losing  # pylint: disable=import-outside-toplevel

        return losing(context.warn, path, account, wanted, context.told)
    if warn:
        context.warn(
            f"Without 'journal', it is unknown which devices of {account} hold a SIM-Secure license, so none is "
            "removed from devices that should no longer hold one."
        )
    return {}


def _stem(pool: SkuPool) -> str:
    return "simsec-{}-{}".format(*pool)


def _digest(made: t.Mapping[str, t.Any], lists: Lists) -> str:
    """SHA-256 over the wanted state: the settings, and the devices of each list in their order.

    Which devices should lose a SIM-Secure license also depends on the journal, so it is not part of the wanted state.
    """
    pools = [{**pool, "remove": 0} for pool in made["simsec"] if pool["count"]]
    settings = {key: value for key, value in made.items() if key not in ("file", "simsec")}
    named = {name: devices for name, devices in lists.items() if devices and not name.endswith("-remove")}
    return hashlib.sha256(json.dumps([settings, pools, named], sort_keys=True).encode()).hexdigest()


def _write(dest: str | None, account: str, lists: Lists) -> dict[str, str] | None:
    return None if dest is None else write_lists(dest, account, lists)


def write_lists(dest: str, account: str, lists: Lists) -> dict[str, str]:
    """Write each list, one id per line. Returns the paths.

    :raises LicensingError: C(report_unwritable).
    """
    folder = os.path.join(dest, account)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        paths = {name: os.path.join(folder, f"{name}.txt") for name in lists}
        for name, devices in lists.items():
            with replacing(paths[name], encoding="ascii") as stream:
                stream.writelines(f"{device}\n" for device in devices)
    except OSError as error:
        raise LicensingError(
            f"The lists of {account} could not be written to {folder}: {error.strerror or error}.",
            code="report_unwritable",
        ) from None
    return paths
