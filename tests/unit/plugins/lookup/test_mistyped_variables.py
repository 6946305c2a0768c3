# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A mistyped variable of the playbooks is found, and nobody's own variable is taken for one."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.support.controller import import_plugin

_lookup = import_plugin("lookup.mistyped_variables")
CHECKOUT = Path(__file__).resolve().parents[4]
PLAYBOOKS = ("plan", "apply", "undo", "report", "export", "license_devices", "fleet_accounts")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("fleet_licensing_max_change", "fleet_licensing_max_changes"),
        ("fleet_licensing_max_removal", "fleet_licensing_max_removals"),
        ("fleet_max_changes", "fleet_licensing_max_changes"),
        ("fleet_max_lifetime", "fleet_licensing_max_lifetime"),
        ("fleet_jurnal", "fleet_journal"),
        ("fleet_dst", "fleet_dest"),
        ("fleet_histroy", "fleet_history"),
        ("fleet_retry_unkown", "fleet_retry_unknown"),
        ("fleet_licensing_ignore_freezes", "fleet_licensing_ignore_freeze"),
        ("license_report_fail_onn", "license_report_fail_on"),
        ("license_report_price", "license_report_prices"),
    ],
)
def test_a_mistyped_name(name: str, meant: str) -> None:
    (hint,) = _lookup.mistyped([name], {name: 1})
    assert f"no variable '{name}'. Did you mean '{meant}'?" in hint


@pytest.mark.parametrize(
    "name",
    [
        *("fleet", "fleet_name", "fleet_owner", "fleet_team", "fleet_test", "fleet_region", "fleet_environment"),
        *("fleet_account", "fleet_mode", "fleet_wait", "fleet_run", "fleet_journal_dir", "fleet_journal_path"),
        *("fleet_journal_2", "fleet_history2", "fleet_dest_dir", "fleet_max_speed", "fleet_licensing_team"),
        *("my_fleet_jurnal", "flet_journal", "license_reports", "max_changes"),
    ],
)
def test_a_name_of_ones_own(name: str) -> None:
    assert _lookup.mistyped([name], {name: 1}) == []


@pytest.mark.parametrize(
    "used",
    [
        "{{ fleet_jurnal }}/journal.db",
        ["a", "{{ fleet_jurnal }}"],
        {"place": {"of": "{{ fleet_jurnal }}"}},
    ],
)
def test_a_name_that_another_variable_uses(used: t.Any) -> None:
    others = {"fleet_jurnal": "fleet_jurnal", "hostvars": "fleet_jurnal", "fleet_jurnal_of_mine": "my_fleet_jurnal"}
    assert len(_lookup.mistyped(["fleet_jurnal"], others)) == 1
    assert _lookup.mistyped(["fleet_jurnal"], {**others, "fleet_journal": used}) == []


def test_every_variable_of_the_playbooks_is_known() -> None:
    read = re.compile(r"\b((?:fleet|license_report)_[a-z_]+) \| (?:default|expanduser|thingspace)")
    found = {
        name
        for playbook in PLAYBOOKS
        for name in read.findall((CHECKOUT / "playbooks" / f"{playbook}.yml").read_text(encoding="utf-8"))
    }
    assert {"fleet_dest", "fleet_overwrite"} < found
    # The playbook apply has it for itself.
    assert found - {"fleet_approved"} <= _lookup.known()
    assert _lookup.mistyped(_lookup.known(), {}) == []
