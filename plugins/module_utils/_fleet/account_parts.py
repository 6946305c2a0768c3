# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The options with which the license modules plan what C(fleet_files) returned for an account."""

from __future__ import annotations

import os
import typing as t

PartKind = t.Literal["fota", "removal_candidates", "simsec"]
FleetEntry = t.Mapping[str, t.Any]
"""What C(fleet_files) returned for an account, or a part of it."""

Options = dict[str, t.Any]

SkuPool = tuple[str, str]
"""A SKU, and the kind of the ids that hold it."""


LAST = 3


class Part(t.NamedTuple):
    """What one license module does for an account.

    :param name: unique in the account, also part of the names of its reports.
    :param about: added to the module's result.
    """

    kind: PartKind
    name: str
    options: Options
    about: dict[str, t.Any]

    @property
    def order(self) -> int:
        """When it is carried out. New licenses come first, and old ones are removed last."""
        if self.kind == "simsec":
            return 0 if self.options["state"] == "present" else LAST
        return 1 if self.kind == "fota" else 2


_ACCOUNT = {"account": str, "file": str, "digest": str, "fota": dict, "removal_candidates": dict, "simsec": list}
_POOL = {"sku": str, "kind": str, "count": int, "remove": int, "list": str, "list_digest": str, "remove_list": str}
LIMITS = ("max_changes", "max_removals")
RETRIES = ("retry_failed", "retry_unknown")
_MAY_BE_EMPTY = ("fota", "removal_candidates")


def not_wanted(wanted: FleetEntry) -> list[str]:
    """The fields of the C(fleet_files) result for an account that are missing here or have the wrong type."""
    wrong = [
        name
        for name, kind in _ACCOUNT.items()
        if name not in wanted or not (isinstance(wanted[name], kind) or (name in _MAY_BE_EMPTY and not wanted[name]))
    ]
    if "simsec" not in wrong:
        pools = [pool if isinstance(pool, dict) else {} for pool in wanted["simsec"]]
        wrong += [
            f"simsec[].{name}"
            for name, kind in _POOL.items()
            if not all(isinstance(pool.get(name), kind) for pool in pools)
        ]
        wrong += [
            f"simsec[].{name}" for name in RETRIES if not all(isinstance(pool.get(name, False), bool) for pool in pools)
        ]
    return wrong


def with_retries(wanted: FleetEntry, params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The wanted state of an account, with the options of the run that send failed or unknown requests again."""
    pools = [{**pool, **{name: bool(pool.get(name) or params[name]) for name in RETRIES}} for pool in wanted["simsec"]]
    return {**wanted, "simsec": pools}


def parts_of(
    wanted: FleetEntry, lists: str, *, journal: str | None, wait: bool, require_listener: bool | None
) -> t.Iterator[Part]:
    """What to plan, one kind after another.

    :param wanted: the wanted state of the account.
    :param lists: directory of its device lists, and for the reports.
    :param journal: the SIM-Secure journal.
    :param wait: whether the task that carries it out waits for confirmations, which later waves need.
    :param require_listener: whether a listener must be registered; None if that depends on whether it is needed.
    """
    if wanted["fota"]:
        yield Part("fota", "fota", {**_fota(wanted["fota"]), **_files(wanted, lists, "fota")}, {})
    if wanted["removal_candidates"]:
        files = _files(wanted, lists, "candidates", "removal_candidates")
        yield Part("removal_candidates", "removal_candidates", {**_candidates(wanted, lists), **files}, {})
    for state, count, name in (("present", "count", "list"), ("absent", "remove", "remove_list")):
        for pool in wanted["simsec"]:
            if pool[count]:
                # Planning does not wait, but must know whether there will be something to wait for.
                needed = (wait or None) if require_listener is None else require_listener
                options = {**_simsec(pool, state, journal, wait=wait), "require_listener": needed}
                options = {**options, **_files(wanted, lists, pool[name])}
                instead = {} if state == "present" else {"replaced_by": list(_instead(wanted, lists))}
                about = {"item": {**pool, "state": state, **instead}}
                yield Part("simsec", pool[name], {**options, **instead}, about)


def _fota(settings: FleetEntry) -> Options:
    names = ("state", "api_version", "max_changes", "max_removals", "reserve", "waves", "max_failures")
    return _given(settings, *names, "removal_candidates")


def _candidates(wanted: FleetEntry, lists: str) -> Options:
    settings = wanted["removal_candidates"]
    options = {
        "state": "exact",
        "before_file": os.path.join(lists, "before-candidates.csv"),
        # The fleet files want licenses for these devices, which are assigned before the devices are listed.
        "unlicensed": "ignore" if wanted["fota"] else "refuse",
        **_given(settings, "api_version", "max_changes", "max_removals", "unlicensed"),
    }
    if settings.get("protected"):
        options["protected_file"] = os.path.join(lists, "protected.txt")
    return options


def _simsec(pool: FleetEntry, state: str, journal: str | None, *, wait: bool) -> Options:
    own = ("lifetime_consent", "lifetime_elsewhere", "reserve") if state == "present" else ("max_removals",)
    options = {"state": state, **_given(pool, "sku", "kind", "max_changes", "waves", "max_failures", *RETRIES, *own)}
    # A request without waves needs no confirmation to be planned. The plan predicts it as accepted.
    return {**options, "journal": journal, "wait": wait and "waves" in options}


def _instead(wanted: FleetEntry, lists: str) -> t.Iterator[Options]:
    """Which devices should hold which SIM-Secure license, as the option of the task that carries out a removal."""
    for pool in wanted["simsec"]:
        if pool["count"]:
            path = os.path.join(lists, f"{pool['list']}.txt")
            bound = {"count": pool["count"], "digest": pool["list_digest"]}
            yield {"sku": pool["sku"], "kind": pool["kind"], "devices_file": path, **bound}


def _files(wanted: FleetEntry, lists: str, devices: str, report: str = "") -> Options:
    return {
        "account": wanted["account"],
        "devices_file": os.path.join(lists, f"{devices}.txt"),
        "report": "none",
        "devices_report": os.path.join(lists, f"plan-{report or devices}.csv"),
    }


def _given(settings: FleetEntry, *names: str) -> Options:
    return {name: settings[name] for name in names if settings.get(name) is not None}
