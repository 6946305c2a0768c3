# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every SIM-Secure request of a run bears its mark, by which an undo knows it."""

from __future__ import annotations

import re
import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.account_apply import ApplyOptions, carry_out
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.account_parts import (
    Options,
    Part,
    PartKind,
    PartPlan,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.halt import Halt
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.run_mark import name_of_request, new_mark
from ansible_collections.thingspace.licensing.plugins.module_utils._module import Result
from ansible_collections.thingspace.licensing.plugins.module_utils._simsec.send import (
    request_id_problems,
    request_names,
)
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT


def test_parts_of_a_run_have_names_of_their_own() -> None:
    mark = new_mark()
    names = [
        name_of_request(mark, f"0000123456-{account:05}", f"simsec-{sku}{end}")
        for account in range(20)
        for sku in range(20)
        for end in ("", "-remove")
    ]
    assert len(set(names)) == len(names)
    for name in names:
        assert re.fullmatch(re.escape(mark) + r"\d{10}", name)
        assert request_id_problems(name) == []
        for requests in (1, 2, 9999):
            assert next(request_names(name, requests)).startswith(mark)


def test_what_a_run_sends_bears_its_mark() -> None:
    """Whatever the parts are, and in the order in which no device is without its license."""
    parts = [
        Part("fota", "fota", {"account": ACCOUNT, "state": "exact"}, {}, {}),
        Part("simsec", "b-remove", {"account": ACCOUNT, "state": "absent"}, {}, {}),
        Part("simsec", "a", {"account": ACCOUNT, "state": "present"}, {}, {}),
    ]
    mark, begun = new_mark(), list[Part]()

    def run(part: Part) -> Result:
        begun.append(part)
        return Result({}, changed=True)

    order = ApplyOptions("lists", mark, approved=False, wait=True, wait_timeout=1.0)
    plans = {part.name: PartPlan("0" * 64, 1) for part in parts}
    carry_out(parts, plans, order, run, lambda _part: None, Halt(None, ACCOUNT))
    assert [part.name for part in begun] == ["a", "fota", "b-remove"]
    named = [part.options["request_id"] for part in begun if part.kind == "simsec"]
    assert [name.startswith(mark) for name in named] == [True, True]
    assert len(set(named)) == 2
    assert all(part.options["expected_plan"] == "0" * 64 for part in begun)


@pytest.mark.parametrize(
    ("approved", "limit", "most"), [(False, None, 7), (False, 3, 3), (False, 9, 7), (True, 3, 7), (True, None, 7)]
)
def test_a_part_of_an_undo_that_no_digest_binds(approved: bool, limit: int | None, most: int) -> None:
    """It changes at most what was planned, and without an approval what the account allows. Each comes in its turn."""
    steps = (("moved", "simsec"), ("give", "fota"), ("", "removal_candidates"), ("take", "simsec"), ("take", "fota"))
    options: Options = {"account": ACCOUNT, "state": "absent", "max_changes": limit, "max_removals": "5%"}
    parts = [
        Part(t.cast(PartKind, kind), kind + step, options, {"step": step}, {}, bound=False) for step, kind in steps
    ]
    begun: list[Part] = []

    def run(part: Part) -> Result:
        begun.append(part)
        return Result({})

    order = ApplyOptions("lists", new_mark(), approved=approved, wait=True, wait_timeout=1.0)
    carry_out(
        parts, {part.name: PartPlan("d", 7) for part in parts}, order, run, lambda _part: None, Halt(None, ACCOUNT)
    )
    names = ["fotatake", "fotagive", "simsectake", "simsecmoved", "removal_candidates"]
    assert [part.name for part in begun] == names
    assert {part.options["max_changes"] for part in begun} == {most}
    assert {part.options["max_removals"] for part in begun} == {None if approved else "5%"}
    assert not any("expected_plan" in part.options for part in begun)
