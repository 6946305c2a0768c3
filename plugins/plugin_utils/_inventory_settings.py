# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change without notice.

"""The settings of an inventory file, checked without the network."""

from __future__ import annotations

import hashlib
import json
import typing as t

from ansible_collections.thingspace.licensing.plugins.module_utils._account import account_problems
from ansible_collections.thingspace.licensing.plugins.module_utils._client.connection import Connection, connection_from
from ansible_collections.thingspace.licensing.plugins.module_utils._devices.filter import (
    FILTER_SPEC,
    DeviceFilter,
    filter_from,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import Problem
from ansible_collections.thingspace.licensing.plugins.module_utils._thingspace.api_versions import ApiVersion

from ._inventory_groups import prefix_problems
from ._inventory_names import preference_problems
from ._inventory_record import FIELDS


class Settings(t.NamedTuple):
    """The options about what is read and how it is shown.

    :param licenses: whether to read which devices hold a FOTA license.
    """

    connection: Connection
    own_runtime_dir: bool
    accounts: list[str]
    filters: DeviceFilter
    licenses: bool
    api_version: ApiVersion
    attributes: bool
    hostname: list[str]
    group_prefix: str

    def fingerprint(self) -> str:
        """The options that select the devices, as one short text without secrets."""
        asker = [self.connection.base_url, self.connection.client_id, self.connection.username]
        what = [self.accounts, self.filters.body(), self.licenses and self.api_version, self.attributes]
        return hashlib.sha256(json.dumps([asker, what, FIELDS], sort_keys=True).encode()).hexdigest()


def settings_from(params: t.Mapping[str, t.Any]) -> tuple[Settings, list[Problem]]:
    """Read the options; returns them with all their problems."""
    connection, problems = connection_from(params)
    filters, found = filter_from({**dict.fromkeys(FILTER_SPEC), **params, "kind": "imei", "device_id": None})
    accounts = [str(account) for account in params["accounts"] or []]
    hostname = [str(name) for name in params["hostname"] or []]
    prefix = params["group_prefix"] or ""
    problems = [
        *_account_problems(accounts),
        *found,
        *preference_problems(hostname),
        *prefix_problems(prefix),
        *problems,
    ]
    settings = Settings(
        connection=connection,
        own_runtime_dir=bool(params["runtime_dir"]),
        accounts=accounts,
        filters=filters,
        licenses=params["licenses"],
        api_version=params["api_version"],
        attributes=params["attributes"],
        hostname=hostname,
        group_prefix=prefix,
    )
    return settings, problems


def _account_problems(accounts: list[str]) -> t.Iterator[Problem]:
    if not accounts:
        yield Problem("'accounts' is missing or empty. Name an account, in quotes.")
    for account in sorted({account for account in accounts if accounts.count(account) > 1}):
        yield Problem(f"'accounts' names {account} twice.")
    for account in accounts:
        for problem in account_problems(account):
            yield Problem(problem.text.replace("'account'", "'accounts'", 1), problem.code)
