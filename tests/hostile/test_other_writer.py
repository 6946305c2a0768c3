# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Somebody else writes at every single request: limits and plans hold for what is written, not for what was planned."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.modules import fota_license, swm_removal_candidates
from ansible_collections.thingspace.licensing.tests.hostile.conftest import Start
from ansible_collections.thingspace.licensing.tests.support.hostile_server import Account, Server

OURS = [f"99000000000000{number}" for number in range(4)]
GONE = ["990000000000010", "990000000000011"]
THEIRS = ["990000000000020", "990000000000021", "990000000000022"]
TIME = "2026-01-01T00:00:00.000Z"
REQUESTS = 9
"""More than any of these tasks sends: what is done after the last one is done after the task."""


def _license(account: Account) -> None:
    account.fota.update(dict.fromkeys(THEIRS, TIME))


def _take_away(account: Account) -> None:
    account.fota.pop(OURS[0], None)
    account.fota.pop(GONE[0], None)


def _list(account: Account) -> None:
    account.candidates.extend(THEIRS)


def _unlist(account: Account) -> None:
    account.candidates[:] = account.candidates[1:]


def _moved(server: Server, operation: str) -> list[str]:
    return [device for name, devices in server.executed for device in devices if name == operation]


@pytest.mark.parametrize("bound", ["by the plan", "by limits"])
@pytest.mark.parametrize("at", range(REQUESTS))
@pytest.mark.parametrize("other", [_license, _take_away])
def test_licenses(server: Server, runner: Start, other: t.Callable[[Account], None], at: int, bound: str) -> None:
    """A part of a fleet plan is bound by C(expected_plan); whoever runs the module alone, by limits."""
    server.account.fota = dict.fromkeys([*OURS[:2], *GONE], TIME)
    run = runner(fota_license.main, devices=OURS, state="exact", report="all", max_changes=4, max_removals=2)
    planned = run(_ansible_check_mode=True)["plan"]
    assert (planned["assign"], planned["remove"]) == (2, 2)
    own = {"expected_plan": planned["digest"]} if bound == "by the plan" else {}
    asked = len(server.asked)
    server.others[asked + at] = other
    result = run(**own)
    assert len(_moved(server, "fota_remove")) <= 2
    assert len(server.executed) <= 2, "one batch of each kind"
    assert len(_moved(server, "fota_remove")) + len(_moved(server, "fota_assign")) <= 4
    if own:
        assert set(_moved(server, "fota_remove")) <= set(GONE), "nobody loses a license who was not in the plan"
    assert result["changed"] is bool(server.executed)
    for row in result.get("devices", ()):
        if row["outcome"] in ("skipped", "failed"):
            assert row["device_id"] not in _moved(server, "fota_remove") + _moved(server, "fota_assign"), row


@pytest.mark.parametrize("at", range(REQUESTS))
@pytest.mark.parametrize("other", [_list, _unlist])
@pytest.mark.parametrize("bound", [True, False], ids=["bound by the plan", "alone"])
def test_candidates(server: Server, runner: Start, other: t.Callable[[Account], None], at: int, bound: bool) -> None:
    """What somebody else lists stays, unless it came between the last reading and the request, which nobody can see."""
    server.account.fota = dict.fromkeys([*OURS, *GONE, *THEIRS], TIME)
    server.account.candidates = [*GONE, *OURS[:1]]
    run = runner(swm_removal_candidates.main, devices=GONE, state="absent", report="all", max_removals=2)
    planned = run(_ansible_check_mode=True)["plan"]
    own = {"expected_plan": planned["digest"]} if bound else {}
    asked = len(server.asked)
    server.others[asked + at] = other
    result = run(**own)
    operations = [name for name, _ask in server.asked[asked:]]
    blind = "candidates_write" in operations and operations.index("candidates_write") == at
    if other is _list and not blind and server.others == {}:
        assert set(THEIRS) <= set(server.account.candidates), result
    assert len(server.executed) <= 1
    assert result["changed"] is bool(server.executed)
    if not result.get("failed"):
        assert not set(GONE) & set(server.account.candidates)


def _exchange(account: Account) -> None:
    account.candidates[:] = [*account.candidates[1:], THEIRS[0]]


@pytest.mark.parametrize("at", range(REQUESTS))
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_no_candidate_that_stays_one_loses_its_license(server: Server, runner: Start, version: str, at: int) -> None:
    """Somebody exchanges one candidate, so that others move to a page that was read before. No time tells of it."""
    listed = [str(990000000100000 + number) for number in range(2100)]
    server.account.candidates = list(listed)
    server.account.fota = dict.fromkeys([*OURS, *THEIRS[:1], *listed], TIME)
    server.others[at] = _exchange
    options = {"state": "exact", "removal_candidates": "keep", "max_removals": "100%", "api_version": version}
    result = runner(fota_license.main, devices=OURS, **options)()
    assert not result.get("failed"), result
    assert set(_moved(server, "fota_remove")) <= {listed[0], THEIRS[0]}
