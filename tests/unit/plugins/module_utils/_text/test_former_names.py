# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys that were spelled in British English until 0.5.0: results have both names, and files may have either."""

from __future__ import annotations

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._candidates.eviction import forecast
from ansible_collections.thingspace.licensing.plugins.module_utils._report.document import Tables, make_document
from ansible_collections.thingspace.licensing.plugins.module_utils._report.make import result_of
from ansible_collections.thingspace.licensing.plugins.module_utils._report.options import read_options
from ansible_collections.thingspace.licensing.plugins.module_utils._text.former_names import (
    FORMER_NAMES,
    renamed,
    with_former_names,
)


def test_nested_results_have_both_names() -> None:
    made = with_former_names({"licenses": {"total": 3}, "soonest": {"license": "FOTA", "days": 1}, "cost": None})
    assert made == {
        "licenses": {"total": 3},
        FORMER_NAMES["licenses"]: {"total": 3},
        "soonest": {"license": "FOTA", FORMER_NAMES["license"]: "FOTA", "days": 1},
        "cost": None,
    }


def test_a_key_of_a_file_has_either_name() -> None:
    assert renamed({"license": "FOTA"}, "license") == "FOTA"
    assert renamed({FORMER_NAMES["license"]: "FOTA"}, "license") == "FOTA"
    assert renamed({"license": "new", FORMER_NAMES["license"]: "old"}, "license") == "new"
    with pytest.raises(KeyError):
        renamed({"days": 1}, "license")


@pytest.mark.parametrize("most", [0, 5])
def test_the_forecast_has_both_names(most: int) -> None:
    values = forecast(1, [("a", "2026-01-31T12:00:00.000Z")], ["stranger"]).as_result(most)
    assert values["without_license"] == values[FORMER_NAMES["without_license"]] == (["stranger"] if most else [])


def test_the_result_of_a_report_has_both_names_and_its_file_the_new_one() -> None:
    document = make_document([], Tables(), [], [], created="2026-11-28 00:00:00 UTC")
    given = {"accounts": [], "src": None, "dest": "", "formats": ["json"], "title": "", "prices": None, "currency": ""}
    judged: dict[str, object] = {
        "reclaim_states": [],
        "idle_days": None,
        "show": False,
        "fail_on": [],
        "runway_days": 30,
    }
    options = read_options({**given, **judged, "dropped": [], "history": None, "journal": None})
    totals = result_of(document, {}, options)["totals"]
    assert (
        totals["licenses"] == totals[FORMER_NAMES["licenses"]] == {"total": None, "assigned": None, "available": None}
    )
    assert set(totals) - set(document["totals"]) == {FORMER_NAMES["licenses"]}
