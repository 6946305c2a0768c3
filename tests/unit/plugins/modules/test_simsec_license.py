# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module simsec_license, from options to result, over an account that lives in memory."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._journal.confirmation import Confirmation
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import open_journal
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.outcomes import OUTCOMES
from ansible_collections.thingspace.licensing.tests.support.fakes import (
    imei,
    imeis,
)
from ansible_collections.thingspace.licensing.tests.support.journals import never
from ansible_collections.thingspace.licensing.tests.support.module_runner import OMIT, Run
from ansible_collections.thingspace.licensing.tests.support.simsec_space import FLEX, LIFETIME, Space

SUMMARY = dict.fromkeys(OUTCOMES, 0)


def confirm(journal: Path, request_id: str, *devices: str, status: str = "success", reason: str = "") -> None:
    """What a receiver writes."""
    opened = open_journal(str(journal), write=True, told=never)
    opened.confirm([Confirmation(request_id, (("imei", one),), t.cast(t.Any, status), reason) for one in devices])
    opened.close()


def rows(result: dict[str, t.Any], *fields: str) -> list[tuple[str, ...]]:
    return [tuple(row[field] for field in fields or ("outcome",)) for row in result["devices"]]


def test_skus_kinds_and_accounts_are_kept_apart(run: Run, space: Space, journal: Path) -> None:
    run(devices=imeis(1))
    confirm(journal, "r1", imei(0))
    assert run(devices=imeis(1), sku=LIFETIME, lifetime_consent=1)["changed"] is True
    # The journal does not know the license that this account counts.
    assert run(devices=imeis(1), account="0000123456-00002", journal_new=True)["changed"] is True
    assert run(devices=["89148000000800139708"], kind="iccid")["changed"] is True
    assert run(devices=imeis(1))["changed"] is False


def scenario(run: Run, space: Space, journal: Path, name: str) -> dict[str, t.Any]:
    """Something that happened before, and the options of the run in question."""
    if name == "fresh":
        return {"devices": imeis(4)}
    run(devices=imeis(3))
    if name == "pending":
        return {"devices": imeis(4)}
    confirm(journal, "r1", imei(0))
    confirm(journal, "r1", imei(1), status="failed", reason="no")
    if name == "absent":
        confirm(journal, "r1", imei(2))
        return {"devices": [imei(0), imei(2), imei(5)], "state": "absent"}
    if name == "lost":
        space.faults = ["lose"]
        run(devices=imeis(5), settle_time=0)
    return {"devices": imeis(7), "settle_time": 0, "retry_failed": name == "retry"}


@pytest.mark.parametrize("name", ["fresh", "pending", "mixed", "retry", "absent", "lost"])
def test_check_mode_says_the_same(run: Run, space: Space, journal: Path, name: str) -> None:
    options = scenario(run, space, journal, name)
    writes, files = list(space.writes), sorted(file.name for file in journal.parent.iterdir())
    content = journal.read_bytes() if journal.exists() else b""
    dry = run(**options, _ansible_check_mode=True, _ansible_diff=True)
    assert space.writes == writes
    assert (journal.read_bytes() if journal.exists() else b"") == content
    assert sorted(file.name for file in journal.parent.iterdir()) == files
    real = run(**options, _ansible_diff=True)
    assert len(space.writes) > len(writes)
    for field in ("changed", "plan", "summary", "licenses", "diff", "lookup"):
        assert dry[field] == real[field], field
    assert rows(dry, "device_id", "outcome", "reason") == rows(real, "device_id", "outcome", "reason")


def test_a_sku_that_was_not_bought(run: Run, space: Space) -> None:
    failure = run(devices=imeis(1), sku="TS-BUNDLE-KTO-SIMSEC-MRC")["failure"]
    assert failure["code"] == "sku_not_subscribed"
    assert f"{FLEX}, {LIFETIME}" in failure["message"]
    assert space.writes == []


def test_no_device(run: Run, space: Space) -> None:
    result = run(devices=[])
    assert (result["changed"], result["summary"]) == (False, SUMMARY)
    assert space.writes == []


@pytest.mark.parametrize("with_journal", [True, False])
@pytest.mark.parametrize("case", ["not told", "pending", "lost"])
def test_advice_to_run_again_says_what_that_sends(run: Run, space: Space, case: str, with_journal: bool) -> None:
    """Judged by what running again sends."""
    task: dict[str, t.Any] = {"devices": imeis(1), "require_listener": False, "settle_time": 1000}
    task |= {} if with_journal else {"journal": OMIT}
    if case == "lost":
        space.faults = ["lost"]
    else:
        task |= {"wait": True, "wait_timeout": 600}
        space.status_of_requests = "Pending" if case == "pending" else None
        space.slow = 10**6
    told = run(**task)["failure"]
    sent = len(space.writes)
    again = run(**{**task, "wait": False})
    assert (len(space.writes) == sent) is with_journal
    assert ("running again sends all devices again" in told["message"]) is not with_journal
    promises = "not sent again" in told["message"] or "Run again: devices" in told["message"]
    assert promises is with_journal
    if case != "lost":
        assert told["code"] == "unconfirmed"
        assert ("within 600 s" in told["message"]) is (with_journal or case == "pending")
    assert with_journal or again["changed"]
