# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where many jobs share nothing but a journal, nothing of SIM-Secure is planned without one."""

from __future__ import annotations

import types
import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet import account
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.account_parts import Part, RunOptions, Wanted
from ansible_collections.thingspace.licensing.plugins.module_utils._journal import mounts
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT

FLEX, OTHER = "SIMSec-IoT", "ACME-9"


class Planning(Exception):
    """The parts are planned."""


def part(kind: t.Any, sku: str = "") -> Part:
    """A part that is only looked at."""
    return Part(kind, sku or kind, {"state": "present"}, {"sku": sku} if sku else {}, {})


def plan(
    monkeypatch: pytest.MonkeyPatch, *parts: Part, journal: str | None = None, require_journal: bool = True
) -> LicensingError | None:
    """Why nothing is planned."""

    def planning(*_arguments: object) -> t.NoReturn:
        raise Planning

    monkeypatch.setattr(account, "plan_parts", planning)
    params: dict[str, t.Any] = {**RunOptions._field_defaults, "src": ["fleet"]}
    params |= {"account": ACCOUNT, "reports": "reports", "journal": journal, "require_journal": require_journal}
    params.update(wait=False, require_listener=None, retry_failed=False, retry_unknown=False)
    context = t.cast(t.Any, types.SimpleNamespace(params=params, check_mode=True))
    try:
        account.run(context, lambda *_given: Wanted(ACCOUNT, "0" * 64, list(parts), {}, []))
    except LicensingError as error:
        return error
    except Planning:
        return None
    raise AssertionError("it neither planned nor failed")


def test_sim_secure_licenses_without_a_journal_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    why = plan(monkeypatch, part("fota"), part("simsec", FLEX), part("simsec", OTHER))
    assert why
    assert why.code == "journal_required"
    for told in (ACCOUNT, f"{OTHER}, {FLEX}", "Nothing was sent", "THINGSPACE_JOURNAL"):
        assert told in str(why)


def test_a_file_in_the_container_of_a_job_is_no_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounts, "OWN", "/no/table")
    assert plan(monkeypatch, part("simsec", FLEX), journal="journal.db") is None
    monkeypatch.setenv("JOB_ID", "7")
    monkeypatch.setenv("AWX_HOST", "https://awx.example.com")
    why = plan(monkeypatch, part("simsec", FLEX), journal="journal.db")
    assert why
    assert why.code == "journal_required"
    assert "journal.db is a file in the container of this job" in str(why)
    assert plan(monkeypatch, part("simsec", FLEX), journal="service=licensing") is None


@pytest.mark.parametrize(
    ("parts", "options"),
    [
        ([part("fota"), part("removal_candidates")], {}),
        ([part("simsec", FLEX)], {"journal": "journal.db"}),
        ([part("simsec", FLEX)], {"require_journal": False}),
        ([], {}),
    ],
)
def test_all_else_is_planned(monkeypatch: pytest.MonkeyPatch, parts: list[Part], options: dict[str, t.Any]) -> None:
    assert plan(monkeypatch, *parts, **options) is None
