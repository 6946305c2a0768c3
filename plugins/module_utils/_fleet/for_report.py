# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What fleet files say, as a report takes it: what is wanted of an account, and which accounts there are."""

from __future__ import annotations

import contextlib

from .._errors import OptionsError
from .._module import Context
from .._report.data import FOTA, BySku, WantedLicenses
from .accounts import files_of, read_fleet, resolved
from .read import FleetAccount
from .wanted import WantedAccount, removes


def accounts_of(context: Context) -> frozenset[str]:
    """The accounts of all fleet files. The files are checked as a whole, as far as that needs no request.

    :raises OptionsError: with every problem of the files.
    """
    fleet, problems = read_fleet(context.params["src"], None)
    if problems:
        raise OptionsError(problems)
    return frozenset(account.name for account, _wanted in resolved(context, fleet, offline=True))


def wanted_licenses(context: Context) -> WantedLicenses:
    """Read what is wanted of the account of the task, and ask ThingSpace for the devices that its file selects.

    :raises OptionsError: with every problem of the file.
    :raises LicensingError: ThingSpace cannot be asked.
    """
    name, src = context.params["account"], context.params["src"]
    # Reading YAML takes fifty times as long as looking for the name, which may be written in another way, too.
    for paths in ([path for path in files_of(src)[0] if _mentions(path, name)], src):
        fleet, problems = read_fleet(paths, [name], alone=True)
        if not problems:
            return _licenses(*resolved(context, fleet)[0])
    raise OptionsError(problems)


def _mentions(path: str, name: str) -> bool:
    """Whether a file may be about an account. A file that cannot be read is reported when all are read."""
    with contextlib.suppress(OSError), open(path, "rb") as stream:
        return name.encode() in stream.read()
    return False


def _licenses(account: FleetAccount, wanted: WantedAccount) -> WantedLicenses:
    simsec = BySku[None]()
    for sku, kind in wanted.pools:
        simsec.setdefault(sku, {})[kind] = dict.fromkeys(wanted.of_pool((sku, kind)))
    settings = {"fota": account.fota, "removal_candidates": account.removal_candidates, "simsec": account.simsec}
    given = {kind: values or {} for kind, values in settings.items()}
    return WantedLicenses(
        file=account.path,
        fota=dict.fromkeys(wanted.fota) if account.manages("fota") else None,
        exact={FOTA: removes(account, wanted, "fota"), "simsec": removes(account, wanted, "simsec")},
        simsec=simsec if account.manages("simsec") else None,
        candidates=list(wanted.candidates) if account.manages("removal_candidates") else None,
        protected=dict.fromkeys(wanted.protected),
        api_versions={kind: values["api_version"] for kind, values in given.items() if "api_version" in values},
    )
