# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What follows a plan: the next step, the last lines that a person sees, and whether the run is red or stops."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.documents import Failure, as_json
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_account import PlanAccount
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_end import (
    MAX_LINES,
    End,
    PlanResult,
    shown,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_make import failed_account
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_options import PlanOptions
from ansible_collections.thingspace.licensing.tests.support.plans import Json, account, part

DIGEST = "d" * 64
FAIL_ON = ("error", "guard_tripped", "incomplete", "changes")
GUARD = {"guard": "max_changes", "planned": 3, "allowed": 1}
OVER = Failure("guard_tripped", "Over the run.", [GUARD])
FROZEN = Failure("frozen", "It is frozen.")
PLANNING = "planned"
APPLYING = "applying"


def end(state: str = APPLYING, *, check_mode: bool = False, **more: t.Any) -> End:
    """How a plan ends with these options; those that are not given are the defaults."""
    options: Json = dict.fromkeys(PlanOptions._fields)
    options |= {"require_approval": False, "wait": False, "any_errors_fatal": False, "without_plan": []}
    options |= {"accounts": [], "dropped": []}
    options |= {"fail_on": "error", "applying": state == APPLYING, "check_mode": check_mode}
    return End(PlanOptions(**{**options, **more}))


def plan(assign: int = 0, incomplete: int = 0, status: t.Any = "", **more: t.Any) -> PlanResult:
    """What C(fleet_plan) returns."""
    made = PlanResult(
        status=status or ("changes" if assign else "incomplete" if incomplete else "no_change"),
        digest=DIGEST,
        totals={"assign": assign, "remove": 0, "add": 0, "move": 0},
        incomplete=incomplete,
        approved=False,
        check_mode=False,
        awaited=0,
        remaining="2 devices are not as wanted." if incomplete else "",
        summary="Totals.\na: FOTA licenses",
        over=None,
        files={"markdown": "dest/plan.md"},
        left=0,
        history="",
    )
    return made._replace(**more)


@pytest.mark.parametrize(
    ("made", "options", "step"),
    [
        (plan(3), {"state": PLANNING}, "show"),
        (plan(), {"state": PLANNING, "check_mode": True}, "show"),
        (plan(3), {}, "apply"),
        (plan(3, awaited=1), {"wait": True}, "apply"),
        (plan(), {}, "idle"),
        (plan(awaited=1), {}, "idle"),
        (plan(), {"wait": True}, "idle"),
        (plan(awaited=1), {"wait": True}, "wait"),
        (plan(3), {"check_mode": True}, "idle"),
        (plan(awaited=1), {"check_mode": True, "wait": True}, "idle"),
        (plan(3), {"check_mode": True, "undo_run": "run.json"}, "idle"),
        (plan(3), {"undo_run": "run.json"}, "apply"),
    ],
)
def test_the_next_step(made: PlanResult, options: t.Any, step: str) -> None:
    assert end(**options).step(made) == step


@pytest.mark.parametrize(
    ("made", "options", "first"),
    [
        (plan(3), {"state": PLANNING}, "Status: changes"),
        (plan(3, 1), {"state": PLANNING}, "Status: changes"),
        (plan(status="guard_tripped"), {"state": PLANNING}, "Status: guard_tripped"),
        (plan(), {}, "Status: no_change"),
        (plan(incomplete=1), {}, "Status: incomplete"),
        (plan(3), {"check_mode": True}, "Status: foreseen (check mode: nothing was written)"),
        (plan(3, 1), {"check_mode": True}, "Status: incomplete (check mode: nothing was written)"),
        (plan(3, 1, status="error"), {"check_mode": True}, "Status: error (check mode: nothing was written)"),
        (plan(), {"check_mode": True}, "Status: no_change (check mode: nothing was written)"),
        (plan(3), {"check_mode": True, "undo_run": "run.json"}, "Status: changes"),
    ],
)
def test_the_status_comes_first(made: PlanResult, options: t.Any, first: str) -> None:
    """Of the plan, or of what became of it; the check mode of an undo is its plan."""
    lines = end(**options).lines(made)
    assert lines[:3] == [first, "Totals.", "a: FOTA licenses"]
    assert lines[-1] == f"Digest: {DIGEST}"
    assert "Plan: dest/plan.md" in lines
    assert all(lines)


def test_lines_that_depend_on_the_plan() -> None:
    idle = "Nothing to do: no device was sent."
    assert idle in end().lines(plan())
    assert idle not in end().lines(plan(3))
    assert idle not in end(PLANNING).lines(plan())
    assert "2 devices are not as wanted." in end().lines(plan(incomplete=2))
    # The plan itself says so.
    assert "2 devices are not as wanted." not in end(PLANNING).lines(plan(incomplete=2))
    assert "Changes of the run that are not undone: 1,200." in end(PLANNING).lines(plan(left=1200))
    assert not [line for line in end().lines(plan(files={})) if line.startswith("Plan:")]


@pytest.mark.parametrize(
    ("made", "options", "told"),
    [
        (plan(3), {"state": PLANNING}, True),
        (plan(3), {"check_mode": True, "undo_run": "run.json"}, True),
        (plan(), {"state": PLANNING}, False),
        (plan(3), {}, False),
    ],
)
def test_a_plan_ends_with_the_command_that_applies_it(made: PlanResult, options: t.Any, told: bool) -> None:
    """Or with the reason why it is not to be applied."""
    how = end(**options)
    assert (how.lines(made._replace(command="COMMAND"))[-1] == "To apply: COMMAND") is told
    assert (how.lines(made, hopeless="Plan again.")[-1] == "Plan again.") is told
    partly = how.lines(made._replace(command="COMMAND"), covers="It covers one.")
    assert (partly[-2:] == ["It covers one.", "To apply: COMMAND"]) is told
    assert ("It covers one." in partly) is told
    assert how.lines(made)[-1] == f"Digest: {DIGEST}"


@pytest.mark.parametrize(
    ("made", "red_with"),
    [
        (plan(), ()),
        (plan(3), ("changes",)),
        (plan(incomplete=2), ("incomplete", "changes")),
        (plan(3, 2), ("incomplete", "changes")),
        (plan(3, status="guard_tripped"), ("guard_tripped", "incomplete", "changes")),
        # The accounts without a plan are red by themselves.
        (plan(3, status="error"), ()),
    ],
)
def test_the_status_of_a_plan_that_is_red(made: PlanResult, red_with: tuple[str, ...]) -> None:
    for options in ({"state": PLANNING}, {"check_mode": True, "undo_run": "run.json"}):
        found = {fail_on: end(**t.cast(t.Any, options), fail_on=fail_on).red(made) for fail_on in FAIL_ON}
        assert tuple(fail_on for fail_on, why in found.items() if why) == red_with
        for why in filter(None, found.values()):
            assert f"The status of the plan is {made.status}" in why
            assert ("devices not as wanted: 2" in why) is bool(made.incomplete)
            assert "dest/plan.md" in why


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(("made", "red"), [(plan(), False), (plan(3), False), (plan(incomplete=2), True)])
def test_an_apply_is_red_if_not_everything_is_as_wanted(made: PlanResult, red: bool, check_mode: bool) -> None:
    for fail_on in FAIL_ON:
        why = end(fail_on=fail_on, check_mode=check_mode).red(made)
        assert bool(why) is (red and fail_on in ("incomplete", "changes"))
        assert not why or why == "Not everything is as wanted. 2 devices are not as wanted. See dest/plan.md."


def test_only_the_accounts_for_which_a_plan_is_red_are_red() -> None:
    """At least one of them is, and all of them if a limit of the run is the reason."""
    row = {"device_id": "d", "outcome": "accepted", "reason": ""}
    idle, changing = account(part(), name="idle"), account(part(assign=1), name="changing")
    over = account(part(assign=2, failure={"code": "guard_tripped", "message": "No."}), name="over")
    left = account(part(), name="left", incomplete=[row])
    found = [idle, changing, over, left]

    def red(how: End, *accounts: PlanAccount, limit: Failure | None = None) -> list[str]:
        return [one.account for one in how.reasons(accounts, limit)]

    planning = {fail_on: end(PLANNING, fail_on=fail_on) for fail_on in FAIL_ON}
    assert red(planning["changes"], *found) == ["changing", "over", "left"]
    assert red(planning["incomplete"], *found) == ["over", "left"]
    assert red(planning["guard_tripped"], *found) == ["over"]
    assert red(planning["guard_tripped"], idle, changing, limit=OVER) == ["idle", "changing"]
    assert red(planning["changes"], idle) == ["idle"]
    assert red(end(fail_on="changes"), *found) == ["left"]


def test_why_nothing_is_carried_out() -> None:
    over, blocked = plan(3, over=OVER), [None, FROZEN]
    failure = end().stopped(over, [])
    assert failure is not None
    assert (failure.code, failure.details["digest"], failure.details["guards"]) == ("guard_tripped", DIGEST, [GUARD])
    for told in ("Over the run.", "Nothing was written.", DIGEST):
        assert told in failure.message
    assert end().stopped(plan(3), blocked) is None
    failure = end(any_errors_fatal=True).stopped(plan(3), blocked)
    assert failure is not None
    assert (failure.code, failure.message) == ("frozen", "It is frozen. Nothing was written.")
    failure = end(any_errors_fatal=True).stopped(over, blocked)
    assert failure is not None
    assert failure.message.startswith("Over the run. It is frozen. Nothing was written.")
    assert end(any_errors_fatal=True).stopped(plan(3), [None]) is None


def test_hosts_without_a_plan_stop_the_others() -> None:
    """The limits apply to all of them. This comes before anything else."""
    hosts = [f"host{number}" for number in range(25)]
    failure = end(without_plan=hosts).stopped(plan(3, over=OVER), [])
    assert failure is not None
    assert failure.code == "invalid_options"
    assert ("host0, host1" in failure.message, "host19" in failure.message, "host20" in failure.message) == (
        True,
        True,
        False,
    )
    assert end(without_plan=["host1"]).stopped(plan(), []) is not None


def test_an_approval_that_is_required() -> None:
    asking = end(require_approval=True)
    failure = asking.stopped(plan(3), [])
    assert failure is not None
    assert (failure.code, failure.details["digest"]) == ("not_approved", DIGEST)
    assert f"-e approved={DIGEST}" in failure.message
    assert asking.stopped(plan(3, approved=True), []) is None
    assert asking.stopped(plan(), []) is None
    assert end(require_approval=True, wait=True).stopped(plan(awaited=1), []) is None
    assert end(require_approval=True, check_mode=True).stopped(plan(3), []) is None
    assert end().stopped(plan(3), []) is None
    assert end(require_approval=True, undo_run="run.json").stopped(plan(3), []) is not None


@pytest.mark.parametrize("options", [{"state": PLANNING}, {"check_mode": True, "undo_run": "run.json"}])
def test_a_plan_is_a_plan_whatever_would_stop_it(options: t.Any) -> None:
    strict: t.Any = {"require_approval": True, "any_errors_fatal": True, "without_plan": ["host1"]}
    assert end(**options, **strict).stopped(plan(3, over=OVER), [FROZEN]) is None


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (account(), "Nothing to do."),
        (account(part(assign=3, remove=1)), "3 to assign, 1 to remove."),
        (
            account(part(assign=3, incomplete=1)),
            "3 to assign. 1 device is not as wanted, which this plan does not change.",
        ),
    ],
)
def test_what_is_done_to_an_account(made: PlanAccount, text: str) -> None:
    found = end().account(made, None, "")
    assert (found["text"], found["red"], found["blocked"], found["foreseen"]) == (text, False, None, False)
    red = end().account(made, None, "It is red.")
    assert (red["text"], red["red"]) == (f"{text} It is red.", True)


def test_an_account_that_must_not_be_changed_is_red_only_if_it_would_be() -> None:
    frozen = account(part(assign=3))
    told = "frozen: It is frozen."
    for options in ({"state": PLANNING}, {"check_mode": True, "undo_run": "run.json"}):
        found = end(**t.cast(t.Any, options)).account(frozen, FROZEN, "It is red.")
        assert (found["text"], found["red"]) == (f"{told} It is red.", True)
        found = end(**t.cast(t.Any, options)).account(frozen, FROZEN, "")
        assert (found["text"], found["red"]) == (told, False)
    for check_mode in (False, True):
        found = end(check_mode=check_mode).account(frozen, FROZEN, "It is red.")
        assert (found["text"], found["red"], found["foreseen"]) == (told, True, False)


def test_an_account_without_a_plan_is_always_red() -> None:
    failure = Failure("login_refused", "Who are you?")
    for state in (PLANNING, APPLYING):
        found = end(state).account(failed_account("a", as_json(failure)), failure, "")
        assert (found["status"], found["text"], found["red"]) == ("error", "login_refused: Who are you?", True)


@pytest.mark.parametrize(
    ("options", "foreseen"),
    [
        ({"check_mode": True}, True),
        ({"check_mode": True, "undo_run": "run.json"}, True),
        ({}, False),
        ({"state": PLANNING, "check_mode": True}, False),
    ],
)
def test_changes_are_foreseen_by_an_apply_in_check_mode(options: t.Any, foreseen: bool) -> None:
    assert end(**options).account(account(part(assign=3)), None, "")["foreseen"] is foreseen
    assert end(**options).account(account(part()), None, "")["foreseen"] is False


def test_a_page_that_is_shown(tmp_path: t.Any) -> None:
    page = tmp_path / "plan.md"
    page.write_text("# A plan\n\nOf nothing.\n", encoding="utf-8")
    assert (shown(None), shown(str(page))) == ([], ["# A plan", "", "Of nothing."])
    page.write_text("line\n" * (MAX_LINES + 1), encoding="utf-8")
    assert shown(str(page)) == ["line"] * MAX_LINES + ["..."]
