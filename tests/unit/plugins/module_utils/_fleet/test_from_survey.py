# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the answers of a form mean, and which of them are refused."""

from __future__ import annotations

import types
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import OptionsError
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.account_parts import Part, RunOptions, Wanted
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.account_run import valid_options
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.from_survey import from_survey
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, imei

FLEX, LIFETIME = "SIMSec-IoT", "SIMSec-IoT-Lt"
ICCID = "89148000000000000001"
RUN = RunOptions(
    "reports", "journal.db", wait=True, require_listener=None, retries={"retry_failed": True}, settle_time=90
)
BLANK = dict.fromkeys(
    ("column", "license", "kind", "state", "max_changes", "lifetime_consent", "lifetime_elsewhere"), " "
)


@pytest.fixture(autouse=True)
def fixture_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The directory of the reports is made in one of the test."""
    monkeypatch.chdir(tmp_path)


def read(answers: dict[str, t.Any], *, check_mode: bool = True) -> tuple[Wanted, list[str]]:
    """What is wanted by somebody who answers only some questions, and the warnings."""
    survey = {**dict.fromkeys(("devices", *BLANK, "account", "mode", "variables")), **answers}
    told: list[str] = []
    context = types.SimpleNamespace(params={}, check_mode=check_mode, warn=told.append)
    return from_survey(t.cast(t.Any, context), RUN._replace(account=ACCOUNT, survey=survey)), told


def wanted(devices: str = imei(1), **answers: t.Any) -> Wanted:
    """What is wanted, as a plan reads it."""
    return read({"devices": devices, **answers})[0]


def part(devices: str = imei(1), **answers: str) -> Part:
    """The one license that the form is about."""
    (found,) = wanted(devices, **answers).parts
    return found


def test_devices_get_a_fota_license_if_nothing_else_is_answered() -> None:
    found = wanted(f"{imei(1)}, {imei(2)}")
    (one,) = found.parts
    assert (found.account, found.about, found.incomplete) == (ACCOUNT, {"file": "", "freeze": [], "sets": []}, [])
    assert (one.kind, one.name, one.ready) == ("fota", "fota", {"devices": [imei(1), imei(2)]})
    options = valid_options(one)
    assert (options["account"], options["state"], options["max_changes"]) == (ACCOUNT, "present", None)
    assert wanted(f"{imei(1)}, {imei(2)}", **BLANK) == found


def test_every_answer_reaches_the_license_module() -> None:
    numbers = {"max_changes": "7", "lifetime_consent": "2", "lifetime_elsewhere": "1"}
    one = part(license=LIFETIME, **numbers)
    assert (one.kind, one.name) == ("simsec", f"simsec-{LIFETIME}-imei")
    options = valid_options(one)
    expected = {"sku": LIFETIME, "kind": "imei", "state": "present", "journal": "journal.db", "retry_failed": True}
    expected["settle_time"] = 90
    expected |= {name: int(text) for name, text in numbers.items()}
    assert {name: options[name] for name in expected} == expected
    shown = {"sku": LIFETIME, "id_kind": "imei", "lifetime": True, "lifetime_consent": 2, "max_changes": 7}
    assert {name: one.about[name] for name in shown} == shown
    gone = part(ICCID, license=FLEX, kind="iccid", state="absent")
    options = valid_options(gone)
    assert (gone.name, options["kind"], options["state"]) == (f"simsec-{FLEX}-iccid-remove", "iccid", "absent")
    fota = valid_options(part(license="FOTA", state="absent", max_changes="0"))
    assert (fota["state"], fota["max_changes"]) == ("absent", 0)


def test_zero_consents_to_nothing() -> None:
    """Forms have a number there also for licenses that are not for life."""
    one = part(license=FLEX, lifetime_consent="0")
    assert (valid_options(one)["lifetime_consent"], one.about["lifetime_consent"]) == (None, None)


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({"state": "gone"}, "'state' is 'gone', which is none of: present, absent."),
        ({"license": FLEX, "kind": "meid"}, "'kind' is 'meid', which is none of: imei, iccid."),
        ({"max_changes": "-1"}, "'max_changes' is '-1', which is not a whole number of devices."),
        ({"lifetime_consent": "1.5"}, "'lifetime_consent' is '1.5', which is not a whole number of devices."),
        ({"lifetime_elsewhere": "few"}, "'lifetime_elsewhere' is 'few', which is not a whole number of devices."),
        ({"license": "simsec-iot"}, "simsec-iot"),
        ({"license": "fota"}, "'license' is 'fota'; it is spelled 'FOTA'."),
        ({"devices": " \n"}, "'license_devices' names no device."),
        ({"devices": "12"}, "'12'"),
        ({"devices": f"{imei(1)} {imei(1)}"}, imei(1)),
        ({"devices": "a;b\n1;2", "column": "c"}, "'c'"),
        # FOTA licenses are of IMEIs.
        ({"devices": ICCID, "kind": "iccid"}, ICCID),
        ({"mode": "Run"}, "'mode' is 'Run', which is none of: check, run."),
        # The playbook takes only exactly that for one.
        ({"mode": "run "}, "which is none of: check, run."),
        ({"account": "0000999999-00001"}, f"the host 0000999999-00001 is the account {ACCOUNT}"),
        ({"account": ""}, "Set it to one account"),
        ({"variables": ["license_mode", "licenses_mode", "license_max_change"]}, "license_max_change, licenses_mode."),
    ],
)
def test_a_bad_answer_is_refused(answers: dict[str, t.Any], told: str) -> None:
    with pytest.raises(OptionsError) as raised:
        wanted(**answers)
    assert told in raised.value.message
    assert raised.value.details["problem_count"] == 1


def test_all_bad_answers_are_refused_at_once() -> None:
    bad = {"license": "simsec-iot", "kind": "meid", "state": "gone", "max_changes": "x", "lifetime_consent": "y"}
    bad |= {"mode": "now", "account": "other"}
    with pytest.raises(OptionsError) as raised:
        wanted("12", **bad, lifetime_elsewhere="z", variables=["license_"])
    assert raised.value.details["problem_count"] == 10


def test_what_the_playbook_passes_on() -> None:
    """Variables of the role license_report may be in the same inventory."""
    answers: dict[str, t.Any] = {
        "account": ACCOUNT,
        "mode": "run",
        "variables": ["license_account", "license_report_dest"],
    }
    assert wanted(**answers) == wanted() == wanted(mode=" ", variables=[])


def test_the_digest_is_of_what_is_wanted() -> None:
    """A plan is carried out only if the same is wanted of the same devices."""
    both = f"{imei(1)} {imei(2)}"
    digests = [
        wanted(both),
        wanted(imei(1)),
        wanted(f"{imei(2)} {imei(1)}"),
        wanted(both, state="absent"),
        wanted(both, license=FLEX),
        wanted(both, license=FLEX, state="absent"),
        wanted(both, license=LIFETIME),
        wanted(ICCID, license=FLEX, kind="iccid"),
    ]
    assert len({found.digest for found in digests}) == len(digests)
    assert wanted(f" {imei(1)}\n\n{imei(2)}\n", kind="imei", max_changes="5").digest == wanted(both).digest


def test_it_is_told_once_how_the_devices_were_read() -> None:
    """By the plan."""
    table = f"Devices of May\n\nimei;name\n{imei(1)};x\n{imei(2)};y\n"
    planned, told = read({"devices": table})
    assert (len(told), read({"devices": table}, check_mode=False)) == (1, (planned, []))


def test_a_table_whose_first_column_has_no_title() -> None:
    assert part(f"\timei\n1\t{imei(1)}\n2\t{imei(2)}\n", column="imei").ready["devices"] == [imei(1), imei(2)]
