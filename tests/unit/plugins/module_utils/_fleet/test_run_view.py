# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people read about a run."""

from __future__ import annotations

import html
import typing as t
from collections import Counter

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.cost import carried_out, cost_view
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.run_view import Extra, pages_of, run_view
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.incomplete import DONE_BEFORE
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.outcomes import OUTCOMES
from ansible_collections.thingspace.licensing.plugins.module_utils._text.markdown import plain
from ansible_collections.thingspace.licensing.plugins.module_utils._text.money import prices_from
from ansible_collections.thingspace.licensing.tests.support.records import run_record

Json = dict[str, t.Any]

ABOUT: Json = {
    "run": "20261121T215143Z-1a2b3c4d",
    "kind": "apply",
    "started": "2026-11-21T21:51:43Z",
    "ended": "2026-11-21T21:59:00Z",
    "plan": "d" * 64,
    "status": "done",
}


def part(*outcomes: str, kind: str = "fota", reason: str = "", **more: t.Any) -> Json:
    rows = [{"device_id": f"{n}", "outcome": outcome, "reason": reason} for n, outcome in enumerate(outcomes)]
    return {
        "kind": kind,
        "sku": "",
        "id_kind": "imei",
        "lifetime": False,
        "devices": rows,
        "summary": Counter(outcomes),
        **more,
    }


def record(*parts: Json, **more: t.Any) -> Json:
    return {**ABOUT, "accounts": [{"account": "a", "parts": list(parts)}], **more}


@pytest.mark.parametrize(
    ("document", "headline"),
    [
        (record(part("assigned", "removed", "unchanged")), "Done as planned"),
        (record(part("skipped", reason=DONE_BEFORE)), "Done as planned"),
        (record(part("assigned", "skipped")), "Not everything became as planned"),
        (record(part("accepted")), "Accepted as planned, and not confirmed yet"),
        (record(part("accepted", "failed")), "Not everything became as planned"),
        (
            record(part("accepted", failure={"code": "unconfirmed", "message": "No."})),
            "Not everything became as planned",
        ),
        (record(part(failure={"code": "plan_changed", "message": "No."})), "Not everything became as planned"),
        (record(part("unknown"), status="running", ended=None), "Not ended"),
    ],
)
def test_headline(document: Json, headline: str) -> None:
    for text in pages_of(run_record(document)).values():
        assert headline in text
        assert ("made when the run started" in text) is (headline == "Not ended")


@pytest.mark.parametrize("currency", ["EUR", "<b>|*EUR*"])
def test_what_the_run_costs(currency: str) -> None:
    """What is confirmed. Devices whose request was accepted, or has an unknown result, and entries of lists are not."""
    done = run_record(
        record(
            part(*["assigned"] * 30, *["removed"] * 10, "failed", "unknown"),
            part("removed", "added", kind="removal_candidates"),
            part("assigned", "accepted", kind="simsec", sku="SIMSec-IoT-Lt", lifetime=True),
        )
    )
    cost = cost_view(carried_out(done), prices_from({"FOTA": "1.10", "SIMSec-IoT-Lt": "9.90"})[0], currency)
    for name, page in pages_of(done, None, Extra(cost=cost)).items():
        text = " ".join(page.split())
        shown = plain(currency) if name.endswith(".md") else html.escape(currency)
        assert f"22.00 {shown} more a month; 9.90 {shown} once for lifetime licenses." in text
        assert "Not counted: 2 devices without a confirmation." in text
        assert f"+22.00 {shown}" in text
        assert "<b>" not in text.replace("\\<", "")
    for page in pages_of(done).values():
        assert "cost" not in page.lower()


def test_licenses_and_list_entries_apart_and_trouble_first() -> None:
    view = run_view(
        run_record(record(part(*OUTCOMES, lifetime=True), part("added", "removed", kind="removal_candidates")))
    )
    assert (view["licenses"], view["for_life"]) == ({"assigned": 1, "removed": 1, "added": 1}, 1)
    assert (view["entries"]["added"], view["entries"]["removed"]) == (1, 1)
    assert view["undone"] == sum(one["count"] for one in view["outcomes"]) == 4
    words = [group["word"] for group in view["accounts"][0]["parts"][0]["groups"]]
    assert words == [
        "Failed",
        "Result unknown",
        "Accepted, and not confirmed yet",
        "Not done",
        "Removed",
        "Added",
        "Assigned",
        "Already so",
    ]


@pytest.mark.parametrize("source", ["files", "survey", "undo"])
@pytest.mark.parametrize("journal", [None, "j.db"])
@pytest.mark.parametrize("outcome", ["accepted", "unknown", "failed"])
def test_what_running_again_does(outcome: str, journal: str | None, source: str) -> None:
    """Without a journal, it sends all SIM-Secure devices again; no text may promise anything else."""
    about = {"kind": "undo"} if source == "undo" else {"source": "survey"} if source == "survey" else {}
    done = run_record(record(part(outcome, kind="simsec", sku="SIMSec-IoT"), **about))
    again = run_view(done, Extra(journal=journal))["again"]
    unseen = journal is None and outcome != "failed"
    assert ("running again sends all devices again" in again) is unseen
    assert ("-e fleet_journal" in again or "'fleet_journal'" in again) is unseen
    waits = {"files": "-e fleet_licensing_wait=true", "survey": "-e license_wait=true", "undo": "again later"}[source]
    assert (waits in again) is (outcome == "accepted" and journal is not None)
    assert ("sends nothing" in again) <= (journal is not None)
    assert ("are sent again only with" in again) is (journal is not None and outcome != "accepted")
