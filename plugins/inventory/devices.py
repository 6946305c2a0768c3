# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Devices of ThingSpace accounts as hosts: glue between Ansible and C(plugin_utils/_inventory_*.py)."""

from __future__ import annotations

DOCUMENTATION = r"""
name: devices
short_description: Devices of ThingSpace accounts as hosts
version_added: 0.3.0
description:
  - Adds the devices of one or several ThingSpace accounts as hosts, either all of them or those that match the filters.
    Filters are combined.
  - Reads a YAML file whose name is C(thingspace.yml) or ends in C(.thingspace.yml), also with C(.yaml).
  - The list of devices is complete, or the inventory fails. A partial inventory is never added.
  - Every option except O(compose), O(groups), and O(keyed_groups) may be a template, with lookups and extra variables.
author:
  - thingspace.licensing contributors (@thingspace)
extends_documentation_fragment:
  - thingspace.licensing._api_version
  - thingspace.licensing._connection
  - thingspace.licensing._connection.plugin
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description:
      - The name of this plugin.
    type: str
    required: true
    choices: [thingspace.licensing.devices]
  accounts:
    description:
      - The billing accounts, for example V(0000123456-00001). Write them in quotes.
    type: list
    elements: str
    required: true
  group:
    description:
      - Only devices in this device group of ThingSpace. This is different from O(groups).
    type: str
  state:
    description:
      - Only devices in this state, for example V(active), V(suspend), V(deactive), or V(pre-active).
    type: str
  service_plan:
    description:
      - Only devices with this service plan.
    type: str
  custom_fields:
    description:
      - Only devices whose custom fields have these values.
    type: dict
  created_after:
    description:
      - Only devices that were added to the account at this time or later.
      - A date (V(2026-01-31)) or a date and time in ISO 8601 (V(2026-01-31T12:00:00Z)), in quotes. Without a time zone
        it is UTC.
    type: str
  created_before:
    description:
      - Only devices that were added to the account at this time or earlier. See O(created_after).
    type: str
  licenses:
    description:
      - Whether to read which devices hold a Software Management (FOTA) license.
      - This costs one request for each page of an account's license list.
    type: bool
    default: false
  attributes:
    description:
      - Whether hosts have the variable C(thingspace_attributes), the extended attributes without personal data.
      - They make the inventory of a large account about 50 % larger.
    type: bool
    default: false
  hostname:
    description:
      - The fields for the host names, in order of preference. Each is one of V(imei), V(iccid), V(mdn), V(msisdn),
        V(imsi), V(min), V(eid), V(meid), and V(esn), or V(custom_fields.) with the name of a custom field.
      - A device uses the first value that it has and that no other device has, otherwise the first of its ids that no
        other device has.
      - Any character except letters, digits, C(_), C(.), and C(-) becomes C(_). V(localhost) and V(all) are never used.
    type: list
    elements: str
    default: [imei]
  group_prefix:
    description:
      - Prefix for the names of the groups that this plugin creates.
    type: str
    default: thingspace_
notes:
  - Every host is in the groups C(thingspace_account_<account>), C(thingspace_state_<state>), C(thingspace_plan_<service
    plan>), and C(thingspace_group_<name>) for each of its device groups. With O(licenses=true), it is in
    C(thingspace_license_fota) or C(thingspace_license_none). Characters that cannot be in a group name become C(_).
  - A device in several accounts is one host, in the groups of all of them, with the values of the account that comes
    first in O(accounts). C(thingspace_accounts) lists all of them, and a warning counts these devices.
  - The variables of a host are C(thingspace_account), C(thingspace_accounts), and C(thingspace_<field>) for each field
    of RV(thingspace.licensing.device_info#module:devices). C(thingspace_fota_license) says whether it holds a license,
    and C(thingspace_fota_assigned_at) since when. Both are none if that was not read.
  - Text from ThingSpace is never evaluated as a template.
  - Unless C(ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED) is true, Ansible only warns if an inventory fails, and continues
    without its hosts.
  - The cache plugin must keep data, such as V(ansible.builtin.jsonfile). If a file selects other devices than before,
    the cache is not used. A damaged cache is read again, with a warning. Neither passwords nor tokens are cached.
seealso:
  - module: thingspace.licensing.device_info
  - name: Inventory guide
    description: Examples, groups, the cache, and use in AWX.
    link: https://github.com/thingspace-licensing/thingspace.licensing/blob/main/docs/inventory.md
"""

EXAMPLES = r"""
# fleet.thingspace.yml: everything, with credentials from the environment
plugin: thingspace.licensing.devices
accounts:
  - "0000123456-00001"

---
# licensed.thingspace.yml: two accounts, with licenses, read at most once an hour
plugin: thingspace.licensing.devices
accounts:
  - "0000123456-00001"
  - "0000123456-00002"
licenses: true
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/thingspace
cache_timeout: 3600

---
# meters.thingspace.yml: a filter, names, groups and variables of your own, and a secret from elsewhere
plugin: thingspace.licensing.devices
accounts: ["0000123456-00001"]
group: meters
state: active
created_after: "2026-01-01"
client_secret: "{{ lookup('ansible.builtin.file', '/run/secrets/thingspace') }}"
hostname: [custom_fields.CustomField1, iccid]
strict: true
compose:
  ansible_connection: "'local'"
  district: thingspace_custom_fields.CustomField2 | default('none')
groups:
  silent: not thingspace_connected
keyed_groups:
  - key: thingspace_custom_fields.CustomField2 | default('none')
    prefix: district
"""

import gc
import os
import typing as t
from collections.abc import Mapping

from ansible import constants as C
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable

from ansible_collections.thingspace.licensing.plugins.module_utils._client.secrets import SecretRegister
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import (
    LicensingError,
    OptionsError,
    Problem,
    defect_text,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._text.addresses import passwords_in
from ansible_collections.thingspace.licensing.plugins.plugin_utils import _inventory_cache as _cache
from ansible_collections.thingspace.licensing.plugins.plugin_utils import _inventory_options as _options
from ansible_collections.thingspace.licensing.plugins.plugin_utils._inventory_draft import Draft
from ansible_collections.thingspace.licensing.plugins.plugin_utils._inventory_groups import GroupNames
from ansible_collections.thingspace.licensing.plugins.plugin_utils._inventory_names import host_names
from ansible_collections.thingspace.licensing.plugins.plugin_utils._inventory_read import read_records
from ansible_collections.thingspace.licensing.plugins.plugin_utils._inventory_record import (
    Record,
    host_variables,
    visible_records,
)
from ansible_collections.thingspace.licensing.plugins.plugin_utils._inventory_settings import Settings, settings_from
from ansible_collections.thingspace.licensing.plugins.plugin_utils._untrusted import untrusted

FILE_NAMES = ("thingspace.yml", "thingspace.yaml")


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """The inventory plugin."""

    NAME = "thingspace.licensing.devices"

    _secrets: SecretRegister
    _settings: Settings

    def verify_file(self, path: str) -> bool:
        """Whether the file is for this plugin, by its name."""
        name = os.path.basename(path)
        return bool(super().verify_file(path)) and (
            name in FILE_NAMES or name.endswith(tuple("." + n for n in FILE_NAMES))
        )

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        """Add the devices, all of them or none."""
        super().parse(inventory, loader, path, cache)
        self._secrets = SecretRegister(lambda _form: None)
        # This creates hundreds of thousands of small objects and no cyclic garbage.
        collecting = gc.isenabled()
        gc.disable()
        try:
            self._parse(inventory, path, cache)
        except LicensingError as error:
            raise self._failure(error.code, error.message) from None
        except AnsibleError as error:
            raise self._failure("invalid_options", str(error)) from None
        except Exception as error:  # pylint: disable=broad-exception-caught
            raise self._failure("internal_error", defect_text(error)) from None
        finally:
            if collecting:
                gc.enable()

    def set_options(self, task_keys: t.Any = None, var_options: t.Any = None, direct: t.Any = None) -> None:
        """Evaluate and check the options of the file. The base class passes them unchanged."""
        given, problems = _options.evaluated(direct or {}, self._template)

        def check(name: str) -> t.Any:
            return C.config.get_config_value(
                name, plugin_type=self.plugin_type, plugin_name=self._load_name, variables=var_options, direct=given
            )

        problems += _options.unknown_options(given, self.option_definitions)
        problems += _options.mistyped(given, self.option_definitions, check)
        super().set_options(task_keys, var_options, given)
        params = {name: _options.plain(self.get_option(name)) for name in self.option_definitions}
        self._secrets.remember(*(params[name] for name in _options.SECRETS), *passwords_in(params["journal"]))
        self._settings, found = settings_from({**params, **_options.blank_paths(given)})
        if problems or found:
            raise OptionsError([*problems, *found])

    def _template(self, value: t.Any) -> t.Any:
        self.templar.available_variables = self._vars or {}
        return self.templar.template(value)

    def _parse(self, inventory: t.Any, path: str, cache: bool) -> None:
        self._check_structure(path)
        self._read_config_data(path)
        records = visible_records(self._records(path, cache))
        draft = Draft()
        # The constructed features write to self.inventory.
        self.inventory = t.cast(t.Any, draft)
        try:
            self._construct(draft, records, set(inventory.groups))
        finally:
            self.inventory = inventory
        draft.hand_over(inventory)

    def _check_structure(self, path: str) -> None:
        """Check that the file is a mapping, because the base class does not."""
        try:
            config = t.cast(t.Any, self.loader).load_from_file(path, cache="none")
        except AnsibleError:
            # Its text quotes the file, which may contain a password.
            raise LicensingError(f"{path} cannot be read, or is not YAML.", code="file_unreadable") from None
        if config and not isinstance(config, Mapping):
            raise OptionsError([Problem(f"{path} must hold options, such as 'plugin' and 'accounts'.")])

    def _records(self, path: str, cache: bool) -> list[Record]:
        """The devices, from the cache if it is enabled, fresh, complete, and for the same query."""
        asked = self._settings.fingerprint()
        cached = bool(self.get_option("cache"))
        key = self.get_cache_key(path)
        if cached and cache:
            try:
                known = _cache.known(lambda: self._kept(key), asked)
            except _cache.DamagedCache:
                known = None
                self._warn(f"The cached devices of {path} are damaged or from another release. They are read again.")
            if known is not None:
                return known
        records = read_records(self._settings, self._secrets, self._warn)
        if cached:
            self._cache[key] = _cache.entry(asked, records)
        return records

    def _kept(self, key: str) -> t.Any:
        """The cached content. From 2.19, Ansible returns nothing for content that it cannot read."""
        kept = self._cache.get(key)
        plugin = getattr(self._cache, "_plugin", None)
        return "" if kept is None and plugin is not None and plugin.contains(key) else kept

    def _construct(self, draft: Draft, records: list[Record], existing: set[str]) -> None:
        """Create hosts, variables, and groups."""
        strict = self.get_option("strict")
        constructed = [self.get_option(name) for name in _options.EXPRESSIONS]
        compose, conditions, keys = constructed
        groups = GroupNames(self._settings.group_prefix, self._sanitize_group_name)
        groups_of = [groups.of(record) for record in records]
        reserved = existing.union(*groups_of)
        named = host_names(records, self._settings.hostname, reserved)
        for name, record, members in zip(named.names, records, groups_of, strict=True):
            variables = {key: untrusted(value) for key, value in host_variables(record).items()}
            draft.set_variables(name, variables)
            for group in members:
                draft.add_host(name, group)
            if any(constructed):
                self._set_composite_vars(compose, variables, name, strict=strict)
                self._add_host_to_composed_groups(conditions, variables, name, strict=strict, fetch_hostvars=False)
                self._add_host_to_keyed_groups(keys, variables, name, strict=strict, fetch_hostvars=False)
        if named.shared:
            self._warn(
                f"{named.shared} devices do not have the name that 'hostname' prefers, because they share that name."
            )
        pairs = zip(named.names, (record["accounts"] for record in records), strict=True)
        several = [(name, accounts) for name, accounts in pairs if len(accounts) > 1]
        if several:
            name, accounts = several[0]
            self._warn(
                f"{len(several)} devices are in several accounts, for example {name} in {' and '.join(accounts)}. "
                "Each is one host, with the values of the account that 'accounts' names first; 'thingspace_accounts' "
                "names all of them."
            )
        for group, texts in groups.shared().items():
            self._warn(f"The group {group} combines several names from ThingSpace: {', '.join(sorted(texts))}.")

    def _warn(self, text: str) -> None:
        self.display.warning(self._secrets.mask(text))

    def _failure(self, code: str, text: str) -> AnsibleParserError:
        return AnsibleParserError(f"[{code}] {self._secrets.mask(text)}")
