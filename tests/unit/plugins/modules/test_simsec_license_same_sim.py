# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A SIM that two ids name gets a lifetime license once, judged by what the account was asked to do."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.thingspace.licensing.tests.support.module_runner import Run
from ansible_collections.thingspace.licensing.tests.support.simsec_space import FLEX, LIFETIME, Space, code

ICCID_19, ICCID_20 = "8914800000000000001", "89148000000000000019"
IMEI, SPARE = "990000000000077", "990000000000070"
OTHER = {"iccid": "89148000000000000093", "imei": "990000000000995"}
PAIRS = {
    "without the check digit": ("iccid", ICCID_19, ICCID_20),
    "with it": ("iccid", ICCID_20, ICCID_19),
    "padded": ("iccid", ICCID_20, f"{ICCID_19}F"),
    "with a zero in front": ("iccid", ICCID_19, f"0{ICCID_19}"),
    "without it": ("iccid", f"0{ICCID_19}", ICCID_19),
    "a zero in front for the check digit": ("iccid", ICCID_20, f"0{ICCID_19}"),
    "the check digit for a zero in front": ("iccid", f"0{ICCID_19}", ICCID_20),
    "a zero for the check digit": ("imei", IMEI, SPARE),
    "the check digit for a zero": ("imei", SPARE, IMEI),
}
BEFORE: dict[str, tuple[list[str | int], bool]] = {
    "accepted": ([], True),
    "lost": (["lost"], True),
    "never carried out": (["lose"], True),
    "refused": ([400], False),
}
"""What happened to the first id, and whether the SIM may hold the license since."""


@pytest.fixture
def always() -> dict[str, t.Any]:
    return {"sku": LIFETIME, "lifetime_consent": 2}


def bound(space: Space, sku: str = LIFETIME) -> list[str]:
    return [device for _method, asked, devices, _name in space.writes for device in devices if asked == sku]


@pytest.mark.parametrize("pair", PAIRS)
def test_in_one_list(run: Run, space: Space, pair: str) -> None:
    kind, first, second = PAIRS[pair]
    devices = [first, second, OTHER[kind]]
    for check in (True, False):
        done = run(kind=kind, devices=devices, _ansible_check_mode=check)
        assert done["plan"]["assign"] == 2
        assert done["plan"]["incomplete"] == 1
        rows = {row["device_id"]: row for row in done["devices"]}
        skipped = rows[second.removesuffix("F")]
        assert skipped["outcome"] == "skipped"
        assert first in skipped["reason"]
    assert bound(space) == [first, OTHER[kind]]
    assert code(done), "not everything that is named is as wanted"


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("before", BEFORE)
def test_in_a_later_run(run: Run, space: Space, pair: str, before: str) -> None:
    kind, first, second = PAIRS[pair]
    space.faults, holds = list(BEFORE[before][0]), BEFORE[before][1]
    run(kind=kind, devices=[first])
    for check in (True, False):
        done = run(kind=kind, devices=[second], _ansible_check_mode=check)
        assert done["plan"]["assign"] == (0 if holds else 1)
        assert bool(code(done)) is holds
    assert bound(space) == [first] if holds else [first, second.removesuffix("F")]


@pytest.mark.parametrize("pair", PAIRS)
def test_a_license_that_can_be_removed(run: Run, space: Space, pair: str) -> None:
    """Both ids get one, with a warning."""
    kind, first, second = PAIRS[pair]
    done = run(sku=FLEX, kind=kind, devices=[first, second])
    assert code(done) == ""
    assert first in str(done["warnings"])
    assert bound(space, FLEX) == [first, second.removesuffix("F")]


TYPING_ERRORS = [f"{IMEI[:-1]}{digit}" for digit in "35"]


@pytest.mark.parametrize("errors", [1, 2])
@pytest.mark.parametrize("runs", [False, True])
def test_typing_errors_of_it_do_not_make_it_another_one(run: Run, space: Space, runs: bool, errors: int) -> None:
    """In the list, or known to the journal: somebody else made them, and they may hold the license, too."""
    wrong = TYPING_ERRORS[:errors]
    for devices in [[device] for device in (*wrong, IMEI, SPARE)] if runs else [[*wrong, IMEI, SPARE]]:
        done = run(devices=devices, lifetime_consent=4)
    assert bound(space) == [*wrong, IMEI]
    assert code(done)


@pytest.mark.parametrize("pair", PAIRS)
def test_a_license_that_can_be_removed_in_a_later_run(run: Run, space: Space, pair: str) -> None:
    """The other id is known to the journal, and each gets one, with a warning."""
    kind, first, second = PAIRS[pair]
    run(sku=FLEX, kind=kind, devices=[first])
    done = run(sku=FLEX, kind=kind, devices=[second])
    assert code(done) == ""
    assert first in str(done["warnings"])
    assert bound(space, FLEX) == [first, second.removesuffix("F")]


@pytest.mark.parametrize("last", ["0134567", "56789", "012345"])
@pytest.mark.parametrize("known", [False, True])
def test_ids_that_somebody_made_up(run: Run, space: Space, known: bool, last: str) -> None:
    """Many of them share the digits that name a device, in the list or with those of the journal."""
    devices = [f"99000000000007{digit}" for digit in last]
    if known:
        run(devices=devices[1:3], lifetime_consent=2)
    done = run(devices=devices, lifetime_consent=7)
    assert code(done) == ""
    assert sorted(bound(space)) == devices


def test_a_device_that_was_refused_does_not_make_others_made_up(run: Run, space: Space) -> None:
    space.faults = [400]
    run(kind="imei", devices=[f"{IMEI[:-1]}3"])
    run(kind="imei", devices=[IMEI])
    done = run(kind="imei", devices=[SPARE])
    assert done["plan"]["assign"] == 0
    assert IMEI in done["devices"][0]["reason"]


def test_ids_that_differ_otherwise(run: Run, space: Space) -> None:
    """Also if one of them is as long as the other without its last digit, which is no check digit."""
    devices = [ICCID_19, f"{ICCID_19}1", "8914800000000000002", "89148000000000000025"]
    done = run(kind="iccid", devices=devices, lifetime_consent=4)
    assert code(done) == ""
    assert bound(space) == devices
