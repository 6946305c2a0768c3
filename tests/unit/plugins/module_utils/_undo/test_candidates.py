# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the list of removal candidates is restored, and when it is left alone."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._undo.candidates import restore, returning
from ansible_collections.thingspace.licensing.plugins.module_utils._undo.changes import CANDIDATES, Change
from ansible_collections.thingspace.licensing.plugins.module_utils._undo.history import Later
from ansible_collections.thingspace.licensing.tests.support.records import RUN, run_part, run_record

ACCOUNT = "0000123456-00001"
WHERE = {"removed": ("removed", "removed"), "added": ("added", "added"), "moved": ("unchanged", "")}


def part(before: str | None, after: str | None = None, /, **changes: str) -> dict[str, t.Any]:
    """The part of a run; devices are letters, and changes are their outcomes."""
    rows = [
        {
            "device_id": device,
            "outcome": outcome,
            "planned": planned,
            "reason": "",
            "request_id": "",
        }
        for device, (outcome, planned) in ((device, WHERE[change]) for device, change in changes.items())
    ]
    made: dict[str, t.Any] = {"kind": "removal_candidates", "action": "exact", "devices": rows}
    made["before"] = None if before is None else list(before)
    return made if after is None else {**made, "after": list(after)}


def restored(
    one: dict[str, t.Any], live: str, lacking: str = "", later: Later | None = None, losing: str = ""
) -> tuple[str | None, str]:
    """The wanted list, and the reasons for what is left."""
    found = restore(ACCOUNT, [run_part(one)], list(live), set(lacking), later or Later(), set(losing))
    told = "; ".join(dict.fromkeys(f"{left.code}: {left.reason}" for left in found.left))
    return None if found.devices is None else "".join(found.devices), told


CHANGED = part("abcd", b="removed", x="added")


@pytest.mark.parametrize("live", ["acdx", "xacd", "abcd"])
def test_what_the_run_left_becomes_what_was_before(live: str) -> None:
    assert restored(CHANGED, live) == ("abcd", "")


@pytest.mark.parametrize(
    ("live", "why"),
    [
        ("acdxy", "1 more (y)"),
        ("acx", "1 fewer (d)"),
        ("acd", "1 fewer (x)"),
        ("cadx", "order"),
        ("", "4 fewer (a, c, d, ...)"),
    ],
)
def test_a_list_that_somebody_changed_is_left_alone(live: str, why: str) -> None:
    found, left = restored(CHANGED, live)
    assert (found, left.partition(":")[0], why in left) == (None, "list_changed", True)


@pytest.mark.parametrize("outcome", ["added", "unknown"])
@pytest.mark.parametrize("done", ["removed", "added", "moved"])
@pytest.mark.parametrize("certain", [True, False])
def test_what_a_later_run_did_is_not_undone(outcome: str, done: t.Any, certain: bool) -> None:
    """Also if the list looks as the run left it: several later runs may have led back to that."""
    made = part("abcd", x="added", y="added")
    made["devices"][0]["outcome"] = outcome
    assert restored(made, "abcdxy") == ("abcd", "")
    for device in "xy":
        later = Later([((ACCOUNT, CANDIDATES, device), ("run-2", Change(device, done, certain)))])
        found, told = restored(made, "abcdxy", later=later)
        assert (found, "(run-2)" in told) == (None, True)
        assert restored(made, "abcd", later=later)[0] == "abcd", "nothing is left to do"


@pytest.mark.parametrize(("done", "left_alone"), [("moved", True), ("added", False), ("removed", False)])
def test_later_runs_that_led_back_to_what_the_run_left(done: t.Any, left_alone: bool) -> None:
    """What they did to other devices does not matter, unless both changed the order."""
    later = Later([((ACCOUNT, CANDIDATES, "z"), ("run-2", Change("z", done, True)))])
    assert restored(CHANGED, "acdx", later=later)[0] == "abcd"
    moved = part("abc", "cab", c="moved")
    assert (restored(moved, "cab", later=later)[0] is None) is left_alone


BROKEN = {
    **part("abcdxy", a="removed", b="removed"),
    "failure": {"code": "list_not_restored", "message": "It broke off."},
}


@pytest.mark.parametrize(
    ("did", "live", "wanted"),
    [
        (part("abcdxy", x="removed", y="removed"), "abcdxy", None),
        (part("abcdxy", y="removed"), "abcdx", "abcd"),
        (part("abcdxy", y="removed"), "abcdy", None),
        (part("abcdxy"), "abcdxy", "abcd"),
        (BROKEN, "xdyc", "abcd"),
        (BROKEN, "xdc", None),
    ],
    ids=["done, and others put it back", "in part", "in part, and others", "killed", "broken", "broken, and others"],
)
def test_an_undo_is_ended_by_the_next_one(did: dict[str, t.Any], live: str, wanted: str | None) -> None:
    """Others are known by what the last undo left."""
    made = part("abcd", x="added", y="added")
    document = {**RUN, "run": "run-2", "undoes": "run-1", "accounts": [{"account": ACCOUNT, "parts": [did]}]}
    undo, again = run_record(document), run_record({**RUN, "run": "run-3", "undoes": "run-2"})
    changed = [
        ((ACCOUNT, CANDIDATES, row["device_id"]), ("run-2", Change("", "removed", True))) for row in did["devices"]
    ]
    for undos in ([undo], [undo, again]):
        later = Later(changed, ["run-2"], undos=undos)
        assert restored(made, live, later=later)[0] == wanted


@pytest.mark.parametrize(
    ("live", "wanted"),
    [("dc", "abcd"), ("dcx", "abcd"), ("cd", "abcd"), ("dcy", None), ("d", None), ("abdc", None)],
)
def test_a_rewrite_that_broke_off(live: str, wanted: str | None) -> None:
    """Its rows say what it took off. Nobody knows the order that it left, nor what was added. The rest is of others."""
    failure = {"code": "list_not_restored", "message": "It broke off."}
    broken = {**part("abcd", a="removed", b="removed", x="added"), "failure": failure}
    broken["devices"][-1]["outcome"] = "unknown"
    assert restored(broken, live)[0] == wanted
    run = [((ACCOUNT, CANDIDATES, "y"), ("run-2", Change("y", "added", True)))]
    assert restored(broken, live, later=Later(run))[0] is None, "a later run knew the list"


def test_what_left_the_list_with_the_license_that_the_undo_takes() -> None:
    """It is wanted off the list. Nobody changed that one, unless something else differs."""
    assert restored(CHANGED, "acd", losing="x") == ("abcd", "")
    for live in ("ac", "adc", "acdy", "acx"):
        assert restored(CHANGED, live, losing="xd")[0] is None
    assert restored(part("abc", "xcab", c="moved", x="added"), "cab", losing="x") == ("abc", "")
    assert restored(part("abc", "xcab", c="moved", x="added"), "cba", losing="x")[0] is None
    behind = part("abc", c="moved", x="added")
    behind["devices"][0]["reason"] = "moved: now behind x"
    assert restored(behind, "cab", losing="x") == ("abc", "")
    assert restored(behind, "cba", losing="x")[0] is None


def test_a_later_run_is_named() -> None:
    later = Later([((ACCOUNT, CANDIDATES, "y"), ("run-2", Change("y", "added", True)))])
    assert "(run-2)" in restored(CHANGED, "acdxy", later=later)[1]


def test_devices_that_changed_their_place() -> None:
    """Need the order that the run left; without it nobody knows whether somebody else changed it, too."""
    assert restored(part("abc", "cab", c="moved"), "cab") == ("abc", "")
    assert restored(part("abc", "cab", c="moved"), "cba")[0] is None
    assert restored(part("abc", c="moved"), "cab")[0] is None
    assert restored(part("abc", c="moved"), "abc") == ("abc", "")


def test_an_order_that_the_rows_of_the_run_tell() -> None:
    """Where the record does not have the list, each device that moved says behind whom it is."""
    told = part("abcd", d="moved", b="removed", x="added")
    told["devices"][0]["reason"] = "moved: now behind a"
    assert restored(told, "adxc") == ("abcd", "")
    assert restored(told, "xadc") == ("abcd", "")
    for live in ("axdc", "cadx", "dacx"):
        found, left = restored(told, live)
        assert (found, left.partition(":")[0]) == (None, "list_changed")
    told["devices"][0]["reason"] = "moved: now the first"
    assert restored(told, "dacx") == ("abcd", "")


def test_devices_without_a_license() -> None:
    """Are not put back; those on the list stay where they are."""
    two = part("abcd", b="removed", c="removed")
    found, left = restored(two, "ad", lacking="bd")
    assert (found, left.partition(":")[0]) == ("acd", "not_licensed")
    assert returning([run_part(two)]) == ["b", "c"]
    assert restored(two, "acd", lacking="b")[0] == "acd"


def test_a_list_that_nobody_knew_and_one_that_was_empty() -> None:
    found, left = restored(part(None, a="added"), "a")
    assert (found, left.partition(":")[0]) == (None, "no_list")
    assert restored(part("", a="added"), "a") == ("", "")


def test_a_run_that_was_killed() -> None:
    """Has carried its plan out, or not; anything else is not its work alone."""
    killed = part("abc", b="removed", x="added")
    for row in killed["devices"]:
        row["outcome"] = "unknown"
    assert restored(killed, "abc") == ("abc", "")
    assert restored(killed, "acx") == ("abc", "")
    assert restored(killed, "ac")[0] is None


@given(st.permutations("abcdef"), st.integers(0, 6), st.permutations("cdefgh"), st.integers(0, 6))
def test_any_rewriting_goes_back(first: list[str], keep: int, second: list[str], wanted: int) -> None:
    """Given what the run left, there is one answer, and a second undo has the same."""
    before, after = first[:keep], second[:wanted]
    changes = dict.fromkeys((device for device in before if device not in after), "removed")
    changes.update(dict.fromkeys((device for device in after if device not in before), "added"))
    changes.update(dict.fromkeys((device for device in after if device in before), "moved"))
    one = part("".join(before), "".join(after), **changes)
    assert restored(one, "".join(after)) == ("".join(before), "")
    assert restored(one, "".join(before)) == ("".join(before), "")
