# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing the removal candidate list: what becomes of it at every point where writing can fail."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._candidates.backup import KeptList
from ansible_collections.thingspace.licensing.plugins.module_utils._candidates.plan import Wish, make_candidates_plan
from ansible_collections.thingspace.licensing.plugins.module_utils._candidates.step import GRACE, Written
from ansible_collections.thingspace.licensing.plugins.module_utils._candidates.write import carry_out
from ansible_collections.thingspace.licensing.plugins.module_utils._client.runtime_dir import (
    FileStore,
    MemoryStore,
    Store,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.plan import State
from ansible_collections.thingspace.licensing.tests.support.fake_candidates import (
    FakeCandidates,
    Fault,
    Happening,
    become,
    broken,
    lost,
    lost_after,
    lost_and,
    refused,
    refused_and,
)
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, imeis, refusal

LIVE = list("abcdef")
TARGET = list("fedcba")


class Case(t.NamedTuple):
    """An account, and writing to it. Its list is a to f."""

    space: FakeCandidates
    kept: KeptList

    def write(self, state: State, devices: t.Sequence[str], batch_size: int = 2) -> Written:
        """Carry out what this wish comes to."""
        live = list(self.space.listed)
        wish = Wish(ACCOUNT, "v2", state, tuple(devices), frozenset())
        return carry_out(self.space.api(), make_candidates_plan(wish, live), batch_size, self.kept)

    def append(self) -> Written:
        """Put g, h, i behind the list, in two requests."""
        return self.write("present", "ghi")

    def rewrite(self) -> Written:
        """Turn the list round, in three requests; the first reading is that before writing."""
        return self.write("exact", TARGET)

    def kept_list(self) -> t.Any:
        """What a task after this one would start from, if the list were its first device."""
        return self.kept.recover(LIVE[:1], put_aside=False).whole


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return FileStore(str(tmp_path / "run"))


@pytest.fixture
def case(store: Store) -> Case:
    return Case(FakeCandidates(LIVE), KeptList(store, ACCOUNT))


def code(written: Written) -> str:
    """The code of the failure, if there is one."""
    return written.failure.code if written.failure else ""


def test_append(case: Case) -> None:
    assert case.append() == Written(list("abcdefghi"), None, "written")
    assert case.space.log == ["append", "append", "read"]


@pytest.mark.parametrize(
    ("faults", "listed", "failure", "writes"),
    [
        ({1: refused}, "abcdef", "api_rejected", 1),
        ({2: refused}, "abcdefgh", "api_rejected", 2),
        ({1: lost_after}, "abcdefghi", "", 2),
        ({1: lost}, "abcdef", "connection_failed", 1),
        ({2: lost}, "abcdefgh", "connection_failed", 2),
        ({1: lost_and([*LIVE, "g"])}, "abcdefg", "connection_failed", 1),
        ({1: lost_and(["x"])}, "x", "connection_failed", 1),
    ],
)
def test_append_with_faults(case: Case, faults: dict[int, Fault], listed: str, failure: str, writes: int) -> None:
    case.space.faults = faults
    written = case.append()
    assert (written.now, code(written), written.fate) == (list(listed), failure, "written")
    grace = [60.0] if failure else []
    assert (len(case.space.writes), case.space.allowed, case.kept_list()) == (writes, grace, None)
    assert written.unsettled is (failure == "connection_failed")


@pytest.mark.parametrize(("faults", "failure"), [({}, "connection_failed"), ({2: refused}, "api_rejected")])
def test_append_that_cannot_be_read_back(case: Case, faults: dict[int, Fault], failure: str) -> None:
    case.space.faults, case.space.happenings = faults, {1: broken}
    written = case.append()
    assert (written.now, code(written), written.fate) == (None, failure, "broken")


def test_append_overwrites_nothing_of_others(case: Case) -> None:
    def after_another(space: FakeCandidates, effect: Happening) -> None:
        space.listed.append("x")
        effect(space)

    case.space.faults = {1: after_another}
    assert case.append() == Written(list("abcdefxghi"), None, "written")


def test_append_that_is_too_long_is_cut(case: Case) -> None:
    case.space.listed, case.space.limit = [], 1000
    written = case.write("exact", imeis(2500), 10_000)
    assert (code(written), written.now) == ("", imeis(2500))


def test_rewrite(case: Case) -> None:
    assert case.rewrite() == Written(TARGET, None, "written")
    assert case.space.log == ["read", "replace", "append", "append", "read"]
    assert case.kept_list() is None


def test_the_previous_list_is_kept_while_it_is_rewritten(case: Case) -> None:
    seen: list[t.Any] = []

    def look(space: FakeCandidates, effect: Happening) -> None:
        effect(space)
        seen.append(case.kept_list())

    case.space.faults = {1: look}
    case.rewrite()
    assert seen == [LIVE]


def test_a_rewrite_that_fits_a_request_is_one_step(case: Case) -> None:
    assert case.write("exact", TARGET, 6).now == TARGET
    assert case.space.writes == [("replace", 6)]


def test_delete(case: Case) -> None:
    assert case.write("exact", []) == Written([], None, "written")
    assert case.space.log == ["read", "delete", "read"]


@pytest.mark.parametrize(
    ("faults", "listed", "fate", "failure", "writes"),
    [
        ({1: refused}, "abcdef", "untouched", "api_rejected", 1),
        ({1: lost}, "abcdef", "untouched", "connection_failed", 1),
        ({1: lost_after}, "", "written", "", 1),
        ({1: lost_and(["x"])}, "x", "broken", "list_changed", 1),
    ],
)
def test_delete_with_faults(
    case: Case, faults: dict[int, Fault], listed: str, fate: str, failure: str, writes: int
) -> None:
    case.space.faults = faults
    written = case.write("exact", [])
    assert (written.now, written.fate, code(written)) == (list(listed), fate, failure)
    assert len(case.space.writes) == writes


@pytest.mark.parametrize("listed", ["", "abcdefx", "abcde", "fedcba"])
def test_somebody_changed_the_list_after_the_plan(case: Case, listed: str) -> None:
    case.space.happenings = {1: become(listed)}
    written = case.rewrite()
    assert (written.now, written.fate, code(written)) == (list(listed), "untouched", "list_changed")
    assert (case.space.writes, case.kept_list()) == ([], None)


def test_a_list_that_cannot_be_read_is_not_written(case: Case) -> None:
    case.space.happenings = {1: broken}
    written = case.rewrite()
    assert (written.now, written.fate, code(written)) == (LIVE, "untouched", "connection_failed")
    assert (case.space.writes, case.kept_list()) == ([], None)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_lost_answer_is_looked_up(case: Case, number: int) -> None:
    case.space.faults = {number: lost_after}
    assert case.rewrite() == Written(TARGET, None, "written")
    assert (len(case.space.writes), case.space.readings) == (3, 3)


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("fault", [refused, lost])
def test_what_fails_half_way_is_put_back(case: Case, number: int, fault: Fault) -> None:
    case.space.faults = {number: fault}
    written = case.rewrite()
    fate = "untouched" if number == 1 else "put_back"
    # A lost request may still take effect, whatever reading shows in the same task: the list is kept.
    assert (written.now, written.fate, written.unsettled) == (LIVE, fate, fault is lost)
    assert case.kept_list() == (LIVE if fault is lost else None)
    assert written.failure is not None
    assert ("may still change the list. The previous" in written.failure.message) is (fault is lost)
    assert written.failure.details.get("previous_list") == (case.kept.location if fault is lost else None)
    assert written.failure.code == ("api_rejected" if fault is refused else "connection_failed")
    assert ("as they were" if number == 1 else "the list is as it was") in written.failure.message
    if number > 1:
        # The previous list goes back in requests of the size that passed.
        assert case.space.writes[-3:] == [("replace", 2), ("append", 2), ("append", 2)]
    assert case.space.allowed == [GRACE]


@pytest.mark.parametrize(
    "fault", [lost_and(["x"]), refused_and(["x"]), refused_and([]), refused_and([*TARGET[:2], "x"])]
)
def test_somebody_changes_the_list_meanwhile(case: Case, fault: Fault) -> None:
    case.space.faults = {2: fault}
    written = case.rewrite()
    assert (written.now, written.fate, code(written)) == (case.space.listed, "broken", "list_changed")
    assert len(case.space.writes) == 2
    assert written.failure is not None
    assert "so they were not restored. The previous list (6 devices) is kept in" in written.failure.message
    assert written.failure.details["previous_list"] == case.kept.location
    assert case.kept_list() == LIVE


def test_a_lost_request_that_only_shows_late_is_not_reverted(case: Case) -> None:
    """The first reading after it does not show it, the second does."""
    case.space.faults, case.space.happenings = {1: lost}, {3: become(TARGET)}
    written = case.write("exact", TARGET, 6)
    assert (written, case.space.listed) == (Written(TARGET, None, "written"), TARGET)
    assert len(case.space.writes) == 1
    assert case.kept_list() is None


def test_a_list_that_does_not_show_yet_that_it_was_put_back(case: Case) -> None:
    """Nobody else changed it. What was answered and what is read contradict each other."""
    case.space.faults, case.space.happenings = {2: refused_and(TARGET[:2])}, {3: become(TARGET[:2])}
    written = case.rewrite()
    assert (written.fate, written.unsettled, code(written)) == ("put_back", True, "api_rejected")
    assert case.kept_list() == LIVE


def test_somebody_changes_the_list_after_it_was_put_back(case: Case) -> None:
    case.space.faults, case.space.happenings = {2: refused}, {3: become("x")}
    written = case.rewrite()
    assert (written.now, written.fate, code(written)) == (["x"], "broken", "list_changed")
    assert case.kept_list() == LIVE


@pytest.mark.parametrize(
    ("faults", "happenings"),
    [
        ({2: refused, 3: lost_and(["x"])}, {5: broken}),
        ({2: refused}, {2: broken, 3: broken}),
        ({2: lost}, {2: broken, 3: broken, 4: broken}),
    ],
)
def test_putting_back_fails(case: Case, faults: dict[int, Fault], happenings: dict[int, Happening]) -> None:
    case.space.faults, case.space.happenings = faults, happenings
    written = case.rewrite()
    assert (written.fate, code(written)) == ("broken", "list_not_restored")
    assert written.failure is not None
    assert "could not be restored: " in written.failure.message
    assert written.failure.details["previous_list"] == case.kept.location
    assert case.kept_list() == LIVE


def test_a_lost_request_of_putting_back_may_come_late_too(case: Case) -> None:
    """Request 3 puts back a and b. It is lost, and what it would do is what is there, so reading proves nothing."""
    case.space.faults = {2: refused_and(LIVE[:2]), 3: lost}
    written = case.write("exact", [*LIVE[:2], "d", "c"])
    assert (written.fate, written.unsettled, code(written)) == ("broken", True, "list_not_restored")
    assert case.kept_list() == LIVE


def test_the_reading_after_a_lost_request_fails(case: Case) -> None:
    """What fails in the end is the reading; that does not settle the request."""
    case.space.faults, case.space.happenings = {1: lost}, {1: broken}
    assert case.append().unsettled
    case.space.faults, case.space.happenings = {2: lost}, {case.space.readings + 2: broken}
    assert case.rewrite().unsettled


@pytest.mark.parametrize("wish", [("exact", "fedcba"), ("absent", "a")])
def test_a_list_that_is_not_shown_is_not_written_back(
    case: Case, wish: tuple[State, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What may not be shown is not known any more, so nothing could put it back."""
    monkeypatch.setattr(case.space, "mask", lambda text: "withheld" if text == "c" else text)
    api = case.space.api()
    plan = make_candidates_plan(Wish(ACCOUNT, "v2", wish[0], tuple(wish[1]), frozenset()), api.read())
    written = carry_out(api, plan, 2, case.kept)
    assert (written.fate, code(written), case.space.writes) == ("untouched", "bad_answer", [])
    assert carry_out(
        api, make_candidates_plan(Wish(ACCOUNT, "v2", "present", "g", frozenset()), api.read()), 2, case.kept
    )
    assert case.space.listed == [*LIVE, "g"]


def test_put_back_after_all(case: Case) -> None:
    """The reading after putting back fails, and the next one shows that it worked."""
    case.space.faults, case.space.happenings = {2: refused}, {3: broken}
    written = case.rewrite()
    assert (written.now, written.fate, code(written)) == (LIVE, "put_back", "api_rejected")


def test_what_is_refused_alone_is_left_out_when_putting_back(case: Case) -> None:
    """Requests: 2 is refused; 3 puts back a and b; 4 is c and d together, 5 is c, 6 is d; 7 is e and f."""
    case.space.faults = {2: refused, 4: refused, 6: refused}
    written = case.rewrite()
    assert (written.now, written.fate, code(written)) == (list("abcef"), "broken", "list_not_restored")
    assert written.failure is not None
    assert "ThingSpace does not accept d any more" in written.failure.message
    assert case.kept_list() == LIVE


def test_without_a_directory_the_failure_holds_the_list() -> None:
    case = Case(FakeCandidates(LIVE), KeptList(MemoryStore(), ACCOUNT))
    case.space.faults = {2: refused, 3: lost_and(["x"])}
    failure = case.rewrite().failure
    assert failure is not None
    assert failure.details["previous_list"] == LIVE
    assert failure.message.endswith("The previous list (6 devices) is in 'failure.previous_list'.")


def test_a_rewrite_that_cannot_be_read_back(case: Case) -> None:
    case.space.happenings = {2: broken}
    written = case.rewrite()
    assert (written.now, written.fate, code(written)) == (None, "broken", "connection_failed")
    assert (case.space.listed, case.kept_list()) == (TARGET, LIVE)


@pytest.mark.parametrize("batch_size", [1000, 1001, 10_000])
def test_a_refused_replacement_is_cut(case: Case, batch_size: int) -> None:
    case.space.listed, case.space.limit, case.space.page_size = imeis(2500), 1000, 700
    target = imeis(2500)[::-1]
    assert case.write("exact", target, batch_size) == Written(target, None, "written")
    refusals = [] if batch_size == 1000 else [("replace", min(batch_size, 2500))]
    assert case.space.writes == [*refusals, ("replace", 1000), ("append", 1000), ("append", 500)]


def test_a_refusal_that_is_no_matter_of_size(case: Case) -> None:
    case.space.listed = imeis(1500)
    case.space.faults = {1: refused, 2: refused}
    written = case.write("exact", imeis(1500)[::-1], 10_000)
    assert (written.now, written.fate, code(written)) == (imeis(1500), "untouched", "api_rejected")
    assert case.space.writes == [("replace", 1500), ("replace", 1000)]


def test_only_what_may_be_too_large_is_cut(case: Case) -> None:
    case.space.listed = imeis(1500)

    def unknown(_space: FakeCandidates, _effect: Happening) -> None:
        raise refusal("no such account", 404)

    case.space.faults = {1: unknown}
    assert code(case.write("exact", imeis(1500)[::-1], 10_000)) == "api_rejected"
    assert len(case.space.writes) == 1
