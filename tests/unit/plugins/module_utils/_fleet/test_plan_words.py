# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan in at most a thousand bytes."""

from __future__ import annotations

import html

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._error_codes import Code
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.option_names import (
    NO_APPROVAL,
    without_approval,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_account import PlanAccount
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_document import UndoneRun
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_make import failed_account, within_a_sku
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_view import pages_of
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_words import (
    as_remaining,
    as_summary,
    awaited,
    coverage,
    headline,
    hopeless,
    is_helped,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._text.markdown import plain
from ansible_collections.thingspace.licensing.tests.support import plans
from ansible_collections.thingspace.licensing.tests.support.plans import Json, part, plan


def account(name: str, *parts: Json) -> PlanAccount:
    """The plan of an account; its rows are what a summary must never hold."""
    rows = [[{"device_id": "990000000000001", "outcome": "assigned", "reason": ""}]] * len(parts)
    return plans.account(*parts, name=name, rows=rows)


def summary(*accounts: PlanAccount) -> str:
    return as_summary(plan(*accounts))


def test_totals_then_what_each_account_has_to_do() -> None:
    stopped = part(remove=7, failure={"code": "guard_tripped", "message": "long"})
    text = summary(
        account("a", part(assign=3), part("simsec", "SIMSec-IoT-Lt", assign=2)),
        account("b", part(assign=0, unchanged=9)),
        account("c", stopped),
        failed_account("d", {"code": "login_refused", "message": "s" * 5000}),
    )
    assert text.splitlines() == [
        "No plan for some accounts: 5 to assign, 7 to remove in 2 of 4 accounts.",
        "a: FOTA licenses 3 to assign; SIMSec-IoT-Lt 2 to assign FOR LIFE",
        "c: FOTA licenses 7 to remove (stopped: guard_tripped)",
        "d: no plan (login_refused)",
    ]


def test_what_is_left_and_what_to_do_about_it() -> None:
    rows = [
        {"device_id": str(990_000_000_000_000 + number), "outcome": outcome, "reason": reason}
        for number, (outcome, reason) in enumerate(
            [
                ("accepted", "sent today, not confirmed yet"),
                ("accepted", "late. It is sent again only with 'retry_unknown: true'"),
                ("failed", "no (not sent again without 'retry_failed: true')"),
            ]
        )
    ]
    one = part("simsec", "SIMSec-IoT", assign=0, incomplete=3)
    document = plan(plans.account(one, rows=[rows]))
    assert awaited(document) == 1
    assert as_remaining(document) == (
        "3 devices are not as wanted, which this plan does not change. 2 accepted, 1 failed. 1 of them is not "
        "confirmed yet. To wait, apply the same plan again with -e fleet_licensing_wait=true. It sends nothing to "
        "these devices, and waits. To send them again: -e fleet_retry_failed=true -e fleet_retry_unknown=true, or "
        "'retry_failed: true' and 'retry_unknown: true' under 'simsec' in the fleet file."
    )
    assert as_remaining(plan(account("a", part(unchanged=3)))) == ""


def test_nothing_to_do() -> None:
    assert summary(account("a", part(unchanged=3))) == "Nothing to do in 1 account."


@pytest.mark.slow
@pytest.mark.parametrize("name", ["0000123456-{:05}", "\u00fc\n# \u20ac{:05}" + "x" * 500], ids=["usual", "odd"])
def test_a_thousand_bytes_hold_any_number_of_accounts(name: str) -> None:
    text = summary(*(account(name.format(number), part(assign=20_000)) for number in range(5000)))
    assert 500 < len(text.encode()) <= 1000
    lines = text.splitlines()
    assert lines[-1] == f"... and {5000 - (len(lines) - 2):,} more accounts"
    assert all(": FOTA licenses 20,000 to assign" in line for line in lines[1:-1])


@pytest.mark.parametrize("code", [*NO_APPROVAL, "guard_tripped"])
def test_what_no_approval_lets_through_is_told_as_such(code: Code) -> None:
    """With what to do about it in a fleet run; what a module advises for its own task is left out."""
    why = f"It is so. Nothing was sent. Set '{code}: true'."
    document = plan(account("a", part(assign=1, failure={"code": code, "message": why})))
    (failure,) = document.failures
    told = failure.message
    binding = code in NO_APPROVAL
    assert told == (without_approval(code, why, "files") if binding else why)
    assert document.status == "guard_tripped", "the exit codes of a pipeline are the same"
    for text in (*map(html.unescape, pages_of(document).values()), as_summary(document)):
        assert ("Stopped; an approval does not help" in text) is binding
        assert ("Stopped by a limit" in text) is not binding
    assert plain(told) in pages_of(document)["plan.md"]
    assert told in html.unescape(pages_of(document)["plan.html"])


def test_where_an_approval_does_not_help() -> None:
    """An account that is stopped does not keep the others from being approved."""
    stopped = account("a", part(assign=1, failure={"code": "pool_exhausted", "message": "No."}))
    limited = account("b", part(assign=1, failure={"code": "guard_tripped", "message": "No."}))
    document = plan(stopped, limited, account("c", part(assign=1)), account("d", part()))
    assert headline(document) == "Stopped; an approval does not help in 1 of 3 accounts"
    assert headline(plan(stopped, account("d", part()))) == "Stopped; an approval does not help"


GUARD: Json = {"code": "guard_tripped", "message": "No."}
POOL: Json = {"code": "pool_exhausted", "message": "Too few."}
NO_HELP = "An approval does not help. Remove the cause, and plan again."
COVERS = "An approval covers {}. Nothing is changed in {}. Remove the cause, and plan again."
REFUSED = failed_account("z", {"code": "login_refused", "message": "no"})
GOOD, OVER = account("a", part(assign=1)), account("b", part(assign=1, failure=GUARD))
SHORT, MIXED = account("c", part(assign=1, failure=POOL)), account("d", part(assign=1, failure=POOL), part(remove=1))


@pytest.mark.parametrize(
    ("accounts", "helped", "why", "covers"),
    [
        ([GOOD], True, "", ""),
        ([OVER], True, "", ""),
        ([SHORT], False, NO_HELP, ""),
        ([MIXED], False, NO_HELP, ""),
        ([GOOD, SHORT], True, "", COVERS.format("1 of 2 accounts", "c (pool_exhausted)")),
        ([GOOD, REFUSED], True, "", COVERS.format("1 of 2 accounts", "z (no plan)")),
        (
            [GOOD, OVER, MIXED, REFUSED, account("e", part())],
            True,
            "",
            COVERS.format("2 of 4 accounts", "d (pool_exhausted), z (no plan)"),
        ),
        ([SHORT, REFUSED], False, NO_HELP, ""),
        ([REFUSED], False, "", ""),
        ([account("e", part())], False, "", ""),
    ],
)
def test_what_an_approval_covers(accounts: list[PlanAccount], helped: bool, why: str, covers: str) -> None:
    """It is said account by account, and nothing is called approvable that an apply leaves alone."""
    document = plan(*accounts)
    assert (is_helped(document), hopeless(document), coverage(document)) == (helped, why, covers)
    for name, page in pages_of(document, command="" if why else "COMMAND --here").items():
        text = " ".join(page.split())
        # Each reason that binds says so, too.
        told = "<strong>An approval does not help." in text or "**An approval does not help." in text
        assert told is (why == NO_HELP)
        assert not (helped and "An approval does not help." in text)
        assert ("COMMAND --here" in text) is helped
        assert "fleet=..." not in text
        said = plain(covers) if name.endswith(".md") else covers
        assert (said in text) if covers else ("An approval covers" not in text)


def test_an_account_that_is_not_covered_says_so_at_each_of_its_stops() -> None:
    """Also at a limit, which an approval would let through by itself."""
    both = account("b", part(assign=1, failure=GUARD), part("simsec", "SIMSec-IoT", assign=1, failure=POOL))
    for page in pages_of(plan(account("a", part(remove=1, failure=GUARD)), both)).values():
        text = " ".join(page.split())
        assert text.count("An approval does not cover this account. Remove the cause, and plan again.") == 2
        assert text.count("An approval lets this through.") == 1


def test_the_pool_stops_only_a_part_of_an_undo() -> None:
    undoes = UndoneRun("r", "apply", "s", "e", "done", "p")
    plans_ = [plan(one)._replace(undoes=undoes, left=0) for one in (GOOD, MIXED, SHORT)]
    assert [hopeless(one) for one in plans_] == ["", "", NO_HELP]
    covers = COVERS.format("1 of 1 account", "d, FOTA licenses (pool_exhausted)")
    assert [coverage(one) for one in plans_] == ["", covers, ""]
    for page in pages_of(plans_[1]).values():
        assert "An approval does not cover this part. Remove the cause, and plan again." in " ".join(page.split())


def test_pools_that_are_too_small_together() -> None:
    parts = [{**part("simsec", "SIMSec-IoT", assign=6), "id_kind": kind} for kind in ("imei", "iccid")]
    for one in parts:
        one["result"]["licenses"] = {"total": 20, "assigned": 16, "available": 4}
    made = account("a", *parts)
    over = within_a_sku(made).failure
    assert over is not None
    assert over.message.endswith("No approval lets this through. Buy licenses, free some, or list fewer devices.")
