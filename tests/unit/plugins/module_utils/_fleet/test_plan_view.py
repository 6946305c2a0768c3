# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an approver reads about a plan."""

from __future__ import annotations

import html
import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.cost import cost_view, planned
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_document import UndoneRun
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_make import failed_account
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_part import PlanRows
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_view import (
    Approval,
    pages_of,
    plan_view,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._pages.render import share
from ansible_collections.thingspace.licensing.plugins.module_utils._text.markdown import plain
from ansible_collections.thingspace.licensing.plugins.module_utils._text.money import prices_from
from ansible_collections.thingspace.licensing.tests.support.plans import Json, account, part, plan

POOL = {"total": 20, "assigned": 15, "available": 5}
LIMIT = {"code": "guard_tripped", "message": "Too much."}


def view(*parts: Json, rows: t.Sequence[PlanRows] = (), **more: t.Any) -> t.Any:
    return plan_view(plan(account(*parts, rows=rows, **more)))


def with_pool(one: Json, pool: Json) -> Json:
    return {**one, "result": {**one["result"], "licenses": pool}}


@pytest.mark.parametrize(
    ("failure", "pool"),
    [(LIMIT, POOL), (None, {"total": 20, "assigned": 17, "available": 3})],
    ids=["stopped", "predicted by the module"],
)
def test_a_pool_before_and_if_applied(failure: t.Any, pool: Json) -> None:
    """A plan that is stopped shows what it would do as well."""
    (found,) = view(with_pool(part(assign=4, remove=2, failure=failure), pool))["pools"]
    del found["add"], found["move"]
    assert found == {
        "account": "a",
        "license": "FOTA licenses",
        "total": 20,
        "held": 15,
        "free": 5,
        "assign": 4,
        "remove": 2,
        "held_after": 17,
        "free_after": 3,
        "short": 0,
    }


def test_a_pool_that_several_parts_share() -> None:
    parts = [with_pool({**part("simsec", "SKU", assign=4, failure=LIMIT), "id_kind": kind}, POOL) for kind in "ab"]
    (found,) = view(*parts)["pools"]
    assert (found["assign"], found["free_after"], found["short"]) == (8, -3, 3)


def test_pools_that_nobody_knows_or_that_stay() -> None:
    unknown = {"total": None, "assigned": None, "available": None}
    assert view(with_pool(part(assign=1), unknown), part(assign=1), with_pool(part(), POOL))["pools"] == []


def test_licenses_for_life_stand_in_the_table_of_accounts() -> None:
    document = plan(account(part("simsec", "X-Lt", assign=3), part("simsec", "X", assign=2, remove=1)))
    (one,) = plan_view(document)["accounts"]
    assert one["cells"][-1] == "X-Lt 3 to assign for life; X 2 to assign, 1 to remove"
    for text in pages_of(document).values():
        assert one["cells"][-1] in text
    assert "for life" not in str(view(part("simsec", "X-Lt"))["accounts"][0]["cells"])


def test_licenses_and_list_entries_apart() -> None:
    shown = view(part(assign=5, remove=7), part("removal_candidates", add=3, remove=2))
    assert shown["totals"] == "5 to assign, 7 to remove; removal candidates: 2 to remove, 3 to add to the list"
    assert (shown["licenses"]["remove"], shown["entries"]["remove"]) == (7, 2)
    assert view(part("removal_candidates", add=3))["totals"] == "removal candidates: 3 to add to the list"


@pytest.mark.parametrize("code", ["sku_not_subscribed", "pool_exhausted", "not_licensed", "whatever"])
def test_only_a_limit_can_be_approved(code: str) -> None:
    for one, approvable in ((LIMIT["code"], True), (code, False)):
        shown = view(part(assign=1, failure={"code": one, "message": "No."}))
        assert [stop["approvable"] for stop in shown["stops"]] == [approvable]
        assert shown["approvable"] is approvable
        assert ("an approval does not help" in shown["headline"]) is not approvable


def test_a_limit_that_was_approved_stops_nothing() -> None:
    document = plan(account(part(assign=1, failure=LIMIT)))
    for text in pages_of(document, "approved").values():
        assert "Changes beyond a limit, which are approved" in text
        assert "This plan is approved, which lets this through." in text
        assert "stopped" not in text.lower()
        assert "What goes beyond a limit, and is approved" in text
        assert 'class="guard_tripped"' not in text
    for text in pages_of(document, "differs").values():
        assert "An approval lets this through." in text
        assert "What is stopped, and why" in text


def test_licenses_that_nobody_can_remove_are_told() -> None:
    """Nothing is done about them."""
    one = part(remove=1)
    one["result"]["plan"]["locked"] = 2
    document = plan(account(one))
    for text in pages_of(document).values():
        assert "2 devices that nobody names will hold a license for ever" in text
    assert document.parts[0].carried_out == account(part(remove=1)).parts[0].carried_out


@pytest.mark.parametrize("state", ["present", "absent", "exact"])
def test_what_could_not_be_foreseen_is_told(state: str) -> None:
    """Whatever the plan is for."""
    one = part(remove=1)
    one["result"]["plan"].update(state=state, unforeseen=2)
    for text in pages_of(plan(account(one))).values():
        assert "For 2 devices, it could not be foreseen whether ThingSpace would refuse the change." in text


def test_removals_come_first_and_each_kind_has_its_share() -> None:
    stopped = "not sent: the plan was stopped; it would be "
    rows = [{"device_id": f"{n}", "outcome": "skipped", "reason": f"{stopped}assigned"} for n in range(3000)]
    rows += [{"device_id": f"x{n}", "outcome": "skipped", "reason": f"{stopped}removed"} for n in range(1000)]
    groups = view(part(assign=3000, remove=1000, failure=LIMIT), rows=[rows])["accounts"][0]["parts"][0]["groups"]
    assert [(one["kind"], one["count"], len(one["rows"])) for one in groups] == [
        ("remove", 1000, 250),
        ("assign", 3000, 750),
    ]
    assert {row["reason"] for one in groups for row in one["rows"]} == {""}, "the part says once that it is stopped"
    assert share([1, 999_999], 50) == [1, 49]


def test_frozen_accounts_stand_in_the_headline() -> None:
    one, two = (account(part(assign=1), name=name) for name in "ab")
    document = plan(one._replace(frozen="Until May."), two)
    assert plan_view(document)["headline"] == "Changes; 1 of 2 accounts is frozen"
    assert view(part(assign=1), frozen="Until May.")["headline"] == "Changes; the account is frozen"
    for text in pages_of(document).values():
        assert "Until May." in text


def test_names_of_the_fleet_file() -> None:
    """They are shown, and an approval does not depend on them."""
    one, other = (account(part(assign=1), file=f"{folder}/berlin.yml") for folder in "ab")
    named = plan(one._replace(sets=[{"name": "Meters", "count": 1}]))
    assert named.digest == plan(other).digest
    for text in pages_of(named).values():
        assert "Fleet file: berlin.yml." in text
        assert "Sets: Meters (1 device)." in text


@pytest.mark.parametrize(
    ("approval", "told"),
    [("open", "approved={digest}"), ("approved", "This is the approved plan."), ("differs", "not the approved plan")],
)
def test_how_to_approve(approval: Approval, told: str) -> None:
    document, idle = plan(account(part(assign=1))), plan(account(part()))
    for text in pages_of(document, approval).values():
        assert told.format(digest=document.digest) in text
        assert ("With the plan.json of this plan" in text) is (approval == "open")
    for text in pages_of(idle).values():
        assert "There is nothing to approve." in text


@pytest.mark.parametrize("currency", ["EUR", "<b>|*EUR*"])
def test_what_the_plan_costs(currency: str) -> None:
    """On all pages of a plan and of an undo's plan, and the text after an amount is text."""
    parts = [part(assign=2), part("simsec", "SIMSec-IoT-Lt", assign=1000), part("simsec", "New", remove=1)]
    failed = failed_account("b", {"code": "login_refused", "message": "No."})
    document = plan(account(*parts), failed)
    cost = cost_view(planned(document), prices_from({"FOTA": "1.20", "SIMSec-IoT-Lt": 9})[0], currency, uncounted=1)
    accounts = [one._replace(left=[], notes=[]) for one in document.accounts]
    run = UndoneRun("r", "apply", "then", "", "done", "")
    undo = document._replace(undoes=run, left=0, later_runs_known=True, accounts=accounts)
    for name, page in {**pages_of(document, cost=cost), **pages_of(undo, cost=cost)}.items():
        text = " ".join(page.split())
        shown = plain(currency) if name.endswith(".md") else html.escape(currency)
        assert f"2.40 {shown} more a month; 9,000.00 {shown} once for lifetime licenses." in text
        assert "Not counted, because there is no price: New." in text
        assert "Not counted: 1 account without a plan." in text
        assert f"+2.40 {shown}" in text
        assert "<b>" not in text.replace("\\<", "")
    for page in {**pages_of(document), **pages_of(undo)}.values():
        assert "Cost of assigned licenses" not in page


def test_a_command_in_the_pages_can_be_copied() -> None:
    """In Markdown, a code block shows it as it is, and nothing of it ends the block."""
    command = 'ansible-playbook x -e license_mode=run -e \'{"a_b": "*c*"}\'\n\n# <b>no title</b>'
    pages = pages_of(plan(account(part(assign=1))), command=command)
    line = "    " + " ".join(command.split())
    assert line in pages["plan.md"].splitlines()
    assert "&lt;b&gt;no title" in pages["plan.html"]
