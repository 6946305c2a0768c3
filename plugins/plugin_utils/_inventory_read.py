# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change without notice.

"""Read the devices of all accounts: every page of every list, or an error."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.thingspace.licensing.plugins.module_utils._account import account_warnings
from ansible_collections.thingspace.licensing.plugins.module_utils._client.client import Client
from ansible_collections.thingspace.licensing.plugins.module_utils._client.requests_dep import REQUESTS_IMPORT_ERROR
from ansible_collections.thingspace.licensing.plugins.module_utils._client.runtime_dir import Store, open_store
from ansible_collections.thingspace.licensing.plugins.module_utils._client.secrets import SecretRegister
from ansible_collections.thingspace.licensing.plugins.module_utils._devices.api import DeviceApi
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import ApiError, LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._swm.licenses import FotaApi, is_event_based
from ansible_collections.thingspace.licensing.plugins.module_utils._text.addresses import (
    as_place,
    is_database,
    why_refused,
)

from ._inventory_record import Licensed, Record, make_record, merged
from ._inventory_settings import Settings

Warn = t.Callable[[str], None]


def read_records(settings: Settings, secrets: SecretRegister, warn: Warn) -> list[Record]:
    """The devices of all accounts.

    :raises LicensingError: a list could not be read, or not completely.
    """
    if REQUESTS_IMPORT_ERROR:
        raise LicensingError(
            "The Python library requests is not installed for the Python that runs Ansible. Install it there.",
            code="missing_library",
        )
    store = open_store(settings.connection.runtime_dir, None if settings.own_runtime_dir else warn)
    with _shared(settings.connection.journal, warn) as shared:
        return _read(settings, Client(settings.connection, store, secrets, shared=shared), warn)


@contextlib.contextmanager
def _shared(journal: str | None, warn: Warn) -> t.Iterator[Store | None]:
    """What all nodes share, if the journal is a database."""
    journal = as_place(journal or "")
    why = why_refused(journal)
    if why:
        raise LicensingError(why, code="journal_unusable")
    if not is_database(journal):
        yield None
        return
    # Most inventories have no database.
    from ansible_collections.thingspace.licensing.plugins.module_utils._journal.shared_state import (  # pylint: disable=import-outside-toplevel
        share,
    )

    # A signal ends Ansible itself, with its inventories.
    shared = share(journal, warn, told=lambda: False)
    try:
        yield shared
    finally:
        shared.close()


def _read(settings: Settings, client: Client, warn: Warn) -> list[Record]:
    records: list[Record] = []
    for account in settings.accounts:
        for text in account_warnings(account):
            warn(text)
        try:
            rows = DeviceApi(client, account).rows(settings.filters)
            api = FotaApi(client, account, settings.api_version)
            licensed = _licensed(api, [row.ids.get("imei", "") for row in rows], warn) if settings.licenses else None
        except ApiError as error:
            error.reword(lambda text: text.replace("'account'", "'accounts'"))
            error.add(before=f"Account {account}: ")
            raise
        strays = sum(map(settings.filters.contradicted_by, rows))
        if strays:
            warn(
                f"{strays} of the {len(rows)} devices that ThingSpace returned for account {account} do not look like "
                "what was asked for (group, state, custom fields, time)."
            )
        kept, whole = settings.attributes, not api.partial
        records += [make_record(account, row, licensed, attributes=kept, whole=whole) for row in rows]
    client.count.warn_if_throttled(warn, "reading the inventory", "'cache' or 'rate_limit'")
    records, repeated = merged(records)
    if repeated:
        warn(f"ThingSpace listed {repeated} devices twice in one account, with the same ids. Each is one host.")
    return records


def _licensed(api: FotaApi, expected: t.Sequence[str], warn: Warn) -> Licensed | None:
    """The devices that hold a license; None if no device needs one."""
    try:
        rows, _last = api.licensed_rows(None, expected)
    except LicensingError:
        try:
            event_based = is_event_based(api.subscription())
        except LicensingError:
            event_based = False
        if not event_based:
            raise
        warn(f"The subscription of account {api.account} is event-based: it has no licensed devices to list.")
        return None
    reach = api.reach(len(rows))
    if reach.partial:
        warn(
            f"Account {api.account}: {reach.told}. Whether the other devices hold one is not known: "
            f"{reach.elsewhere_among()}."
        )
    for text in filter(None, (reach.doubt, api.unsplit)):
        warn(f"Account {api.account}: {text}")
    return dict(rows)
