# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to be there before simsec_license binds a device for life, judged by what the account was asked to do."""

from __future__ import annotations

import contextlib
import os
import shutil
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._journal import mounts
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import open_journal
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.rows import Scope
from ansible_collections.thingspace.licensing.tests.support import postgres
from ansible_collections.thingspace.licensing.tests.support.fakes import imeis
from ansible_collections.thingspace.licensing.tests.support.journals import never
from ansible_collections.thingspace.licensing.tests.support.module_runner import OMIT, Run
from ansible_collections.thingspace.licensing.tests.support.simsec_space import (
    FLEX,
    LIFETIME,
    Space,
    code,
)

NEW = "ACME-7"
SAYS_SO = [
    "Lifetime",
    "LIFETIME",
    "Sim Permanent",
    "permanently bound",
    "perpetual",
    "Flexible (Perpetual)",
    "Life-long",
]
SAYS_NOT = ["Flexible", "Flexible Bundle", "", "Flex", "FLEXIBLE TIERED", "Monthly subscription", "MRC"]
SAYS_NOTHING = [
    "LTE",
    "Permission",
    "Perm.",
    "One-Time",
    "One-time subscription",
    "?",
    "\u0424\u043bex",
    "Flexible xLt",
]


@pytest.fixture
def always() -> dict[str, t.Any]:
    return {"sku": LIFETIME}


def sells(space: Space, sku: str, *types: str) -> None:
    """Let the account have a row of the SKU for each of these license types."""
    space.held.setdefault(sku, set())
    space.types[sku] = types[0]
    row = {"skuNumber": sku, "licensePurchased": 0, "licenseAssigned": 0, "licenseAvailable": 0}
    space.more = [{**row, "licenseType": kind} for kind in types[1:]]


@pytest.mark.slow
@pytest.mark.parametrize("sku", [FLEX, NEW])
@pytest.mark.parametrize("kind", SAYS_SO)
@pytest.mark.parametrize("place", ["only row", "second row", "first row"])
def test_any_row_of_any_sku_makes_it_one_for_life(run: Run, space: Space, sku: str, kind: str, place: str) -> None:
    sells(space, sku, *{"only row": [kind], "second row": ["Flexible", kind], "first row": [kind, "Flexible"]}[place])
    for check in (True, False):
        task: dict[str, t.Any] = {"sku": sku, "devices": imeis(3), "_ansible_check_mode": check}
        assert code(run(**task)) == "lifetime_consent"
        assert code(run(**task, lifetime_consent=3, journal=OMIT)) == "lifetime_without_journal"
        assert code(run(**task, state="absent")) == "lifetime_not_removable"
    assert space.writes == []
    done = run(sku=sku, devices=imeis(3), lifetime_consent=3)
    assert (code(done), done["lifetime"], len(space.writes)) == ("", True, 1)


@pytest.mark.parametrize("sku", [FLEX, NEW])
@pytest.mark.parametrize("kind", SAYS_NOT)
def test_other_types_say_nothing_of_a_lifetime(run: Run, space: Space, sku: str, kind: str) -> None:
    sells(space, sku, kind, "Flexible")
    done = run(sku=sku, devices=imeis(1), journal=OMIT)
    assert (code(done), done["lifetime"], len(space.writes)) == ("", False, 1)


@pytest.mark.parametrize(
    ("sku", "kinds"), [*((FLEX, [kind]) for kind in SAYS_NOTHING), (NEW, [""]), (NEW, ["Flexible", "?"])]
)
def test_in_doubt_it_binds_for_life(run: Run, space: Space, sku: str, kinds: list[str]) -> None:
    """What does not say that it can be removed needs consent and a journal; taking it away can be tried."""
    sells(space, sku, *kinds)
    refused = run(sku=sku, devices=imeis(1))
    assert code(refused) == "lifetime_consent"
    assert "may be a lifetime license" in refused["msg"]
    assert code(run(sku=sku, devices=imeis(1), lifetime_consent=1, journal=OMIT)) == "lifetime_without_journal"
    assert space.writes == []
    assert code(run(sku=sku, devices=imeis(1), lifetime_consent=1)) in ("", "lifetime_not_removable")
    assert len(space.writes) == 1


def test_a_doubtful_license_can_be_taken_away(run: Run, space: Space) -> None:
    sells(space, NEW, "LTE")
    space.held[NEW] = set(imeis(1))
    assert code(run(sku=NEW, devices=imeis(1), state="absent")) == ""
    assert len(space.writes) == 1


def test_a_sku_for_life_is_not_said_to_be_another_first(run: Run, space: Space) -> None:
    sells(space, NEW, "Permanent")
    refused = run(sku=NEW, devices=imeis(1), state="absent")
    assert code(refused) == "lifetime_not_removable"
    assert "can be removed" not in str(refused.get("warnings"))
    assert "taken for a lifetime license" in str(run(sku=NEW, devices=imeis(1))["warnings"])


def test_without_a_journal_nothing_is_bound_twice(run: Run, space: Space) -> None:
    task: dict[str, t.Any] = {"devices": imeis(3), "lifetime_consent": 3, "journal": OMIT}
    for _time in range(2):
        refused = run(**task)
        assert code(refused) == "lifetime_without_journal"
        assert "'lifetime_without_journal: true'" in refused["msg"]
    assert (space.writes, space.reads) == ([], 0)
    assert code(run(**{**task, "devices": []})) == "", "nobody is bound"
    assert code(run(**task, lifetime_without_journal=True)) == ""
    assert len(space.writes) == 1


def test_a_journal_that_ends_with_the_job_is_none(
    run: Run, space: Space, journal: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Two jobs of AWX would have one each, and the account may count late."""
    table = tmp_path / "mountinfo"
    monkeypatch.setattr(mounts, "OWN", str(table))
    monkeypatch.setenv("JOB_ID", "7")
    monkeypatch.setenv("AWX_HOST", "https://awx.example.com")
    table.write_text("1 0 0:50 / / rw - overlay overlay rw\n", encoding="utf-8")
    task: dict[str, t.Any] = {"devices": imeis(3), "lifetime_consent": 3}
    for check in (True, False):
        refused = run(**task, _ansible_check_mode=check)
        assert code(refused) == "lifetime_without_journal"
        assert f"the journal {journal} is a file in the container" in refused["msg"]
    assert space.writes == []
    with table.open("a", encoding="utf-8") as stream:
        stream.write(f"2 1 8:1 / {journal.parent} rw - xfs /dev/sda rw\n")
    assert code(run(**task)) == ""
    assert len(space.writes) == 1


def test_an_older_copy_of_the_journal(run: Run, space: Space, journal: Path) -> None:
    """The devices that it does not know of would be bound twice."""
    assert code(run(devices=imeis(2), lifetime_consent=2)) == ""
    shutil.copy(journal, journal.with_suffix(".old"))
    assert code(run(devices=imeis(5), lifetime_consent=3)) == ""
    shutil.copy(journal.with_suffix(".old"), journal)
    before = len(space.writes)
    refused = run(devices=imeis(5), lifetime_consent=3, lifetime_elsewhere=3)
    assert code(refused) == "journal_behind", "the note beside it tells"
    assert "remove the .id file" in refused["msg"]
    journal.with_name("j.db.id").unlink()
    again: dict[str, t.Any] = {"devices": imeis(5), "lifetime_consent": 3}
    for check in (True, False):
        refused = run(**again, _ansible_check_mode=check)
        assert code(refused) == "journal_behind"
        assert (refused["failure"]["counted"], refused["failure"]["known"]) == (5, 2)
        assert "'lifetime_elsewhere: 3'" in refused["msg"]
        assert refused["plan"]["assign"] == 3
    assert code(run(**again, lifetime_elsewhere=2)) == "journal_behind", "it excuses no more than it says"
    assert space.writes[before:] == []
    assert code(run(devices=imeis(2))) == "", "nothing is bound, so nothing has to be known"
    assert code(run(devices=imeis(1, 7), lifetime_consent=1, lifetime_elsewhere=3)) == ""
    assert [write[2] for write in space.writes[before:]] == [imeis(1, 7)]


@pytest.mark.parametrize("lag", [0, 1, 5])
def test_an_older_copy_whatever_the_account_counts(
    run: Run, space: Space, journal: Path, monkeypatch: pytest.MonkeyPatch, lag: int
) -> None:
    """Neither a count that lags behind nor a request in doubt hides that the newest request is missing."""
    count = space._count
    monkeypatch.setattr(
        space, "_count", lambda sku: {**count(sku), "licenseAssigned": max(0, len(space.held[sku]) - lag)}
    )
    space.faults = ["lose"]
    assert code(run(devices=imeis(1), lifetime_consent=1)) == "outcome_unknown"
    copy = shutil.copy(journal, journal.with_suffix(".old"))
    assert code(run(devices=imeis(1, 1), lifetime_consent=1)) == ""
    shutil.copy(copy, journal)
    for check in (True, False):
        assert code(run(devices=imeis(1, 1), lifetime_consent=1, _ansible_check_mode=check)) == "journal_behind"
    assert [write[2] for write in space.writes] == [imeis(1), imeis(1, 1)]


@pytest.mark.parametrize("counted", [True, False])
def test_the_same_sims_by_another_kind_of_id(
    run: Run, space: Space, counted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing tells that an IMEI and an ICCID are the same SIM."""
    count = space._count
    if not counted:
        monkeypatch.setattr(space, "_count", lambda sku: {**count(sku), "licenseAssigned": 0})
    assert code(run(devices=imeis(2), lifetime_consent=2)) == ""
    again: dict[str, t.Any] = {"devices": ["89148000000800139708"], "kind": "iccid", "lifetime_consent": 1}
    for check in (True, False):
        for elsewhere in (OMIT, 0, 1):
            refused = run(**again, lifetime_elsewhere=elsewhere, _ansible_check_mode=check)
            assert code(refused) == "journal_behind"
            assert "2 SIMSec-IoT-Lt licenses by IMEI" in refused["msg"]
            assert "'lifetime_elsewhere: 2'" in refused["msg"]
    assert len(space.writes) == 1
    assert code(run(**again, lifetime_elsewhere=2)) == ""
    assert code(run(devices=imeis(3), lifetime_consent=1)) == "journal_behind", "and the other way round"
    assert code(run(devices=imeis(3), lifetime_consent=1, lifetime_elsewhere=1)) == ""
    assert len(space.writes) == 3


def test_what_cannot_be_bound_by_the_other_kind(run: Run, space: Space) -> None:
    """A request that was refused, and a license that can be taken away, keep nobody from being bound."""
    space.faults = [400]
    assert code(run(devices=imeis(1), lifetime_consent=1)) != ""
    assert code(run(devices=imeis(1, 1), sku=FLEX)) == ""
    assert code(run(devices=["89148000000800139708"], kind="iccid", lifetime_consent=1)) == ""
    assert len(space.writes) == 3


def test_another_journal(run: Run, space: Space, journal: Path) -> None:
    assert code(run(devices=imeis(2), lifetime_consent=2)) == ""
    other = journal.with_name("other.db")
    assert code(run(devices=imeis(2), lifetime_consent=2, journal=str(other))) == "journal_behind"
    assert len(space.writes) == 1


def test_an_account_that_does_not_count(run: Run, space: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    count = space._count
    monkeypatch.setattr(space, "_count", lambda sku: {**count(sku), "licenseAssigned": None})
    task: dict[str, t.Any] = {"devices": imeis(2), "lifetime_consent": 2}
    assert code(run(**task)) == "journal_behind"
    assert space.writes == []
    assert code(run(**task, lifetime_elsewhere=0)) == ""


@pytest.mark.parametrize("fault", ["lost", "lose"])
def test_what_is_in_doubt_is_known(run: Run, space: Space, fault: str) -> None:
    """A request without an answer may have taken effect, so the account may count it."""
    space.faults = [fault]
    assert code(run(devices=imeis(2), lifetime_consent=2)) == "outcome_unknown"
    assert code(run(devices=imeis(1, 4), lifetime_consent=1)) == ""
    assert len(space.writes) == 2


@pytest.mark.parametrize("given", [-1, True, "some"])
def test_no_number_of_licenses(run: Run, space: Space, given: t.Any) -> None:
    assert code(run(devices=imeis(1), lifetime_consent=1, lifetime_elsewhere=given)) == "invalid_options"
    assert space.writes == []


def test_each_name_of_the_journal_leads_to_it(
    run: Run, space: Space, journal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By whichever name a job calls it: the devices are known, or the job is refused."""
    assert code(run(devices=imeis(2), lifetime_consent=2)) == ""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.db").symlink_to(journal)
    (tmp_path / "there").symlink_to(journal.parent)
    handle = os.open(journal, os.O_RDONLY)
    names = ["link.db", "there/j.db", "journals/../journals/j.db", f"/proc/self/fd/{handle}"]
    for name in names:
        assert code(run(devices=imeis(2), lifetime_consent=2, journal=name)) == "", name
    os.close(handle)
    os.link(journal, tmp_path / "hard.db")
    for name in ("hard.db", str(journal)):
        for check in (True, False):
            refused = run(devices=imeis(3), lifetime_consent=3, journal=name, _ansible_check_mode=check)
            assert code(refused) == "journal_unusable", name
            assert "hard links" in refused["msg"]
    assert len(space.writes) == 1


@pytest.mark.parametrize("sku", ["SIMSec-IoT", "SIMSec-IoT-Lt"])
@pytest.mark.parametrize("others", [False, True])
def test_a_journal_without_an_account_that_has_lifetime_licenses_must_be_meant(
    run: Run, space: Space, journal: Path, sku: str, *, others: bool
) -> None:
    """It may be the wrong one, whatever is assigned with it, also if it knows other accounts."""
    if others:
        other = Scope("another", "SIMSec-IoT", "imei")
        with contextlib.closing(open_journal(str(journal), write=True, told=never)) as opened:
            opened.intend(opened.begin_run(other, "assign", 0), other, "assign", imeis(1), "1-2")
    space.held["SIMSec-IoT-Lt"] = set(imeis(3, 50))
    task: dict[str, t.Any] = {"sku": sku, "devices": imeis(2)}
    for check in (True, False):
        refused = run(**task, lifetime_consent=2, _ansible_check_mode=check)
        assert (code(refused), refused["failure"]["counted"]) == ("journal_behind", 3)
    assert space.writes == []
    if sku == "SIMSec-IoT":
        assert "'journal_new: true'" in refused["msg"]
        assert code(run(**task, journal_new=True)) == ""
        assert code(run(sku=sku, devices=imeis(4))) == "", "it is not new any more"
    else:
        assert code(run(**task, lifetime_consent=2, journal_new=True)) == "journal_behind", "the count must still fit"
        assert code(run(**task, lifetime_consent=2, lifetime_elsewhere=3)) == ""


def test_a_journal_without_an_account_that_has_other_licenses_is_told(run: Run, space: Space) -> None:
    """They would be sent again. After the first run, the journal knows the account."""
    space.held[FLEX] = set(imeis(3, 50))
    for check, told in ((True, True), (False, True), (False, False)):
        done = run(sku=FLEX, devices=imeis(2), _ansible_check_mode=check)
        assert any("knows nothing of the account" in str(one) for one in done.get("warnings") or []) is told


def test_a_copy_of_the_database_binds_nothing_again(run: Run, space: Space) -> None:
    server = postgres.server()
    database = server.new_database()
    task: dict[str, t.Any] = {"devices": imeis(5), "lifetime_consent": 5, "journal": server.url(database)}
    open_journal(server.url(database), write=True, told=never).close()
    copy = server.copied(database)
    assert code(run(**task)) == ""
    space.counts, asked = False, space.asked
    for check in (True, False):
        refused = run(**{**task, "journal": server.url(copy)}, lifetime_elsewhere=5, _ansible_check_mode=check)
        assert (code(refused), space.asked, len(space.writes)) == ("journal_copied", asked, 1)
