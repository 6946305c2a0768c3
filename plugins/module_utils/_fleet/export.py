# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Writes an existing account as a fleet file: the flow of C(fleet_export). The first plan from it has nothing to do."""

from __future__ import annotations

import contextlib
import os
import typing as t

from .._devices.ids import problem, show
from .._errors import ApiError, LicensingError
from .._journal.file import PATIENCE
from .._journal.inventory import device_rows
from .._journal.journal import open_journal
from .._module import Context, Result
from .._plan.outcomes import report_path_problems
from .._swm.candidates import CandidatesApi
from .._swm.licenses import FotaApi, is_event_based
from .._text.files import write
from .._text.lists import are, few, first, many
from .._thingspace.api_versions import CANDIDATES_VERSIONS
from .._thingspace.id_kinds import Kind

NAMED = 20

Files = dict[str, str]
"""What to write, by path below the directory."""

Holders = dict[tuple[str, str], list[str]]
"""The devices that hold a SIM-Secure license, by SKU and kind of id."""


def run(context: Context) -> Result:
    """Read the account, and write its fleet file and its lists."""
    params = context.params
    dest, account = params["dest"], params["account"]
    # In check mode, an earlier task may have been about to create the directory.
    absent = context.check_mode and not os.path.lexists(dest)
    problems = [] if absent else report_path_problems(os.path.join(dest, account + ".yml"), "dest")
    if not absent and not problems:
        _refuse_second(dest, account)
    client = context.connect(problems)
    fota = FotaApi(client, account, params["api_version"])
    simsec = _simsec(context)
    licensed = None if is_event_based(fota.subscription()) else _licensed(fota, simsec)
    reach = None if licensed is None else fota.reach(len(licensed))
    if reach and reach.partial:
        context.warn(f"{reach.told}. The others are not exported: {reach.elsewhere_among()}.")
    for text in filter(None, (fota.doubt, fota.unsplit)):
        context.warn(text)
    version, candidates = _candidates(context, client, licensed)
    _refuse_two_skus(account, simsec)
    licensed, candidates, simsec, whole = _without_odd_ids(context, licensed, candidates, simsec)
    if reach and reach.partial:
        whole = whole._replace(fota=False)
    files = _files(account, params["api_version"], licensed, version, candidates, simsec, whole)
    changed = [name for name, text in files.items() if _read(os.path.join(dest, name)) != text]
    others = [name for name in changed if _read(os.path.join(dest, name)) is not None]
    counts = {"fota": len(licensed or []), "removal_candidates": len(candidates)}
    values = {"files": sorted(os.path.join(dest, name) for name in files), "counts": counts}
    if others and not params["force"]:
        raise LicensingError(
            f"{', '.join(os.path.join(dest, name) for name in others)} would be overwritten by what the account holds "
            "now. Nothing was written. Name another directory in 'dest', or set 'force: true'; of the playbook "
            "'export', these are the variables 'fleet' and 'fleet_overwrite'.",
            code="fleet_file_exists",
        )
    if not context.check_mode:
        _write(dest, {name: files[name] for name in changed})
    if context.diff_mode:
        before = _read(os.path.join(dest, account + ".yml")) if context.check_mode else None
        values["diff"] = {"before": before or "", "after": files[account + ".yml"]}
    return Result(values, changed=bool(changed))


def _refuse_second(dest: str, account: str) -> None:
    """Refuse a second fleet file of an account, with which no plan could be made of the directory.

    :raises LicensingError: C(fleet_file_exists).
    """
    # A module compiles what it imports, each time. Only a directory that is there has fleet files.
    from .accounts import places_of_account  # pylint: disable=import-outside-toplevel

    places = [where for path, where in places_of_account(dest, account) if path != os.path.join(dest, account + ".yml")]
    if places:
        raise LicensingError(
            f"The account {account} is already in {' and '.join(places)}. With a second fleet file of it, no plan can "
            "be made. Nothing was written. Name another directory in 'dest' (of the playbook 'export', the variable "
            "'fleet'), or take the account out of that file first.",
            code="fleet_file_exists",
        )


def _licensed(fota: FotaApi, simsec: Holders) -> list[str]:
    """The devices that hold a FOTA license. Those of the journal are probably among them."""
    rows, _last = fota.licensed_rows(None, [device for devices in simsec.values() for device in devices])
    return [device for device, _time in rows]


def _candidates(context: Context, client: t.Any, licensed: list[str] | None) -> tuple[str, list[str]]:
    """The removal candidates that hold a license, with the version of the API that lists them."""
    if licensed is None:
        return "", []
    for version in reversed(CANDIDATES_VERSIONS):
        try:
            listed = list(dict.fromkeys(CandidatesApi(client, context.params["account"], version).read()))
        except ApiError as error:
            if error.status == 404:
                continue
            raise
        held = set(licensed)
        useless = [device for device in listed if device not in held]
        if useless:
            context.warn(
                f"{len(useless)} removal candidates hold no license and are left out ({few(useless)}); "
                "the first plan takes them off the list."
            )
        return version, [device for device in listed if device in held]
    return "", []


def _simsec(context: Context) -> dict[tuple[str, str], list[str]]:
    """Which devices hold which SIM-Secure license according to the journal. ThingSpace itself does not say."""
    path = context.params["journal"]
    if not path:
        return {}
    holders: dict[tuple[str, str], list[str]] = {}
    leaving: list[str] = []
    with contextlib.closing(open_journal(path, write=False, told=context.told, patience=PATIENCE)) as journal:
        for status, row in device_rows(journal, context.params["account"], None):
            if status.held or (status.may_hold and row.action == "assign"):
                holders.setdefault((row.sku, row.kind), []).append(row.device_id)
            elif status.may_hold:
                leaving.append(row.device_id)
    if leaving:
        context.warn(
            f"{many(len(leaving), 'device')} may still hold a SIM-Secure license whose removal failed or is not "
            f"confirmed, and {are(len(leaving))} left out ({few(leaving)}); the first plan names them."
        )
    return holders


def _refuse_two_skus(account: str, simsec: t.Mapping[tuple[str, str], list[str]]) -> None:
    """Refuse devices with two SIM-Secure licenses. No fleet file can express that, and leaving one out would remove it.

    :raises LicensingError: C(two_licenses), with the devices and their SKUs.
    """
    held: dict[tuple[str, str], list[str]] = {}
    for (sku, kind), devices in sorted(simsec.items()):
        for device in devices:
            held.setdefault((device, kind), []).append(sku)
    several = {device: skus for (device, _kind), skus in sorted(held.items()) if len(skus) > 1}
    if several:
        shown = first(several.items(), NAMED, "; ", lambda one: f"{show(one[0])} holds {' and '.join(one[1])}")
        raise LicensingError(
            f"According to the journal, {many(len(several), 'device')} of {account} may hold SIM-Secure licenses of "
            f"several SKUs, which a fleet file cannot express: {shown}. Nothing was written. If a device is on its way "
            "to another SKU, export again when that is done. Otherwise take one of its licenses away with "
            "simsec_license and 'state: absent', which is not possible for a lifetime license, or export without the "
            "journal and write the SIM-Secure part yourself.",
            code="two_licenses",
            devices=dict(list(several.items())[:1000]),
        )


class Complete(t.NamedTuple):
    """Whether a list has everything that the account has. Otherwise the rest must be left alone."""

    fota: bool
    simsec: bool


def _without_odd_ids(
    context: Context, licensed: list[str] | None, candidates: list[str], simsec: Holders
) -> tuple[list[str] | None, list[str], Holders, Complete]:
    """The licenses of the account, without ids that no plan accepts. A warning names these ids."""
    odd = [device for device in licensed or [] if problem(device)]
    odd_sims = [one for (_sku, kind), devices in simsec.items() for one in devices if problem(one, _known(kind))]
    left_out = list(dict.fromkeys([*odd, *filter(problem, candidates), *odd_sims]))
    if left_out:
        shown = ", ".join(f"'{show(device)}'" for device in left_out[:NAMED])
        states = [name for name, some in (("fota", odd), ("simsec", odd_sims)) if some]
        context.warn(
            f"{len(left_out)} ids that ThingSpace or the journal names cannot be ids and are left out: {shown}"
            f"{', ...' if len(left_out) > NAMED else ''}. "
            + (
                f"So that none of them loses its license, {' and '.join(states)} says 'state: present'. "
                if states
                else ""
            )
            + ("The first plan takes them off the removal candidates. " if any(map(problem, candidates)) else "")
            + "Ask Verizon about them."
        )
    return (
        None if licensed is None else [device for device in licensed if not problem(device)],
        [device for device in candidates if not problem(device)],
        {
            key: kept
            for key, found in simsec.items()
            if (kept := [one for one in found if not problem(one, _known(key[1]))])
        },
        Complete(not odd, not odd_sims),
    )


def _known(kind: str) -> Kind:
    return "iccid" if kind == "iccid" else "imei"


def _files(
    account: str,
    api_version: str,
    licensed: list[str] | None,
    version: str,
    candidates: list[str],
    simsec: Holders,
    whole: Complete,
) -> Files:
    lines = ["---", f'account: "{account}"']
    sets: list[str] = []
    files: Files = {}

    def add(name: str, devices: list[str], *facts: str, kind: str = "imei") -> None:
        path = f"{account}/{name}.csv"
        files[path] = "\n".join([kind, *devices]) + "\n"
        more = [] if kind == "imei" else [f"    kind: {kind}"]
        sets.extend([f'  - name: "{name}"', f'    file: "{path}"', *more, *(f"    {fact}" for fact in facts)])

    if licensed is not None:
        # An exact run without any device is refused, so that an empty file removes no license.
        lines += [
            "fota:",
            f"  api_version: {api_version}",
            f"  state: {'exact' if licensed and whole.fota else 'present'}",
        ]
        if licensed:
            add("fota", licensed, "fota: true")
    if version:
        lines += ["removal_candidates:", f"  api_version: {version}"]
        if candidates:
            add("removal-candidates", candidates, "removal_candidate: true")
    if simsec:
        lines += ["simsec:", f"  state: {'exact' if whole.simsec else 'present'}"]
    for (sku, kind), devices in sorted(simsec.items()):
        add(f"{sku}-{kind}", devices, f'simsec: "{sku}"', kind=kind)
    files[f"{account}.yml"] = "\n".join([*lines, "devices:" if sets else "devices: []", *sets]) + "\n"
    return files


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            return stream.read()
    except (OSError, UnicodeError):
        return None


def _write(dest: str, files: Files) -> None:
    try:
        for name, text in files.items():
            path = os.path.join(dest, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            write(path, text)
    except OSError as error:
        raise LicensingError(
            f"The fleet file could not be written below {dest}: {error.strerror or error}.", code="report_unwritable"
        ) from None
