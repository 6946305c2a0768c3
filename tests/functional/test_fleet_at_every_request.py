# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The apply of a whole fleet file, with somebody else who writes, or who ends it, at each request that it sends.

An apply of an account sends 27 requests. Each account of an estate has a door of its own, at which something happens
when its own request arrives; so one run of C(ansible-playbook) shows many moments at once. By default each meets
one of the three writers, within limits, and one of the four ways to end a run: by turns, so that not each meets all
of them. Every second one also meets a writer after an approval. With C(FLEET_MATRIX=full) in the environment, each
meets all of them.

After an approval nobody is disturbed while the plan is made again: any difference stops the whole run, which other
tests show. What a signal ends is judged from the moment at which ansible-playbook is gone: only then can a module know.
"""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._plan.incomplete import is_done
from ansible_collections.thingspace.licensing.tests.support.disturbed import (
    BY_THE_PROGRAM,
    DEVICES,
    KILLED,
    KILLED_MODULE,
    TO_THE_GROUP,
    WAYS,
    Estate,
    Gate,
    Sent,
    Somebody,
    holders,
)
from ansible_collections.thingspace.licensing.tests.support.fleets import FLEX, LIFETIME, Ran, imeis, named
from ansible_collections.thingspace.licensing.tests.support.harness import Json, Simulator

REQUESTS = 28
"""So many an apply of one account sends that nobody disturbs."""

PARTS = {
    "the plan": range(9),
    "new SIM-Secure licenses": range(9, 13),
    "FOTA licenses": range(13, 19),
    "removal candidates": range(19, 23),
    "old SIM-Secure licenses": range(23, REQUESTS),
}
"""Which of them each task sends."""


def gives(somebody: Somebody, number: int) -> None:
    """Licenses that nobody wants, and a lifetime license that the journal does not know of."""
    devices = imeis(number, DEVICES)
    somebody.fota(number, "assign", devices[5])
    somebody.candidates(number, devices[5], type="append")
    somebody.simsec("POST", number, LIFETIME, devices[6])


def takes(somebody: Somebody, number: int) -> None:
    """What is wanted, and what is to be taken away."""
    devices = imeis(number, DEVICES)
    somebody.fota(number, "remove", devices[0])
    somebody.candidates(number)
    somebody.simsec("DELETE", number, FLEX, devices[4])


def helps(somebody: Somebody, number: int) -> None:
    """Does what the apply is about to do."""
    devices = imeis(number, DEVICES)
    somebody.fota(number, "assign", devices[1])
    somebody.fota(number, "remove", devices[2])
    somebody.candidates(number, devices[1])
    somebody.simsec("DELETE", number, FLEX, devices[4])


Writer = t.Callable[[Somebody, int], None]
WRITERS: tuple[Writer, ...] = (gives, takes, helps)
TOUCHED: dict[Writer, dict[str, set[int]]] = {
    gives: {"fota": {5}, "removal_candidates": {5}, LIFETIME: {6}},
    takes: {"fota": {0}, "removal_candidates": {0, 1}, FLEX: {4}},
    helps: {"fota": {1, 2}, "removal_candidates": {0, 1}, FLEX: {4}},
}
WANTED = {"fota": {0, 1}, "removal_candidates": {1}, FLEX: set[int](), LIFETIME: {3}}
LIMITS = {"fota": (2, 1), "removal_candidates": (2, 1), FLEX: (2, 2), LIFETIME: (1, 0)}
"""How many devices may be touched, and how many may lose something."""


class Judge:
    """What the server executed for one account, and what the run says about it."""

    def __init__(self, estate: Estate, gate: Gate, ran: Ran, writer: Writer | None = None) -> None:
        self.devices = imeis(gate.number, DEVICES)
        self.gate = gate
        self.account = estate.state(gate.number)
        self.ran = ran
        self.writer = writer
        self.touched = TOUCHED[writer] if writer else {}
        self.sent = [self._seen(one) for one in gate.sent]
        self.why = f"{named(gate.number)} {writer.__name__ if writer else ''} {gate.seen} {gate.sent} {ran.text}"

    def _seen(self, one: Sent) -> Sent:
        """A write without what nobody could see: the list is replaced whole, by what was read before."""
        if one.kind != "removal_candidates" or one.number != self.gate.moment:
            return one
        theirs = {self.devices[place] for place in self.touched.get(one.kind, ())}
        return one._replace(lost=[device for device in one.lost if device not in theirs])

    def held(self, kind: str) -> set[int]:
        """The places of the devices that hold something."""
        return {self.devices.index(device) for device in holders(self.account, kind)}

    def limits(self) -> None:
        """No limit is exceeded, no license is bound twice, and nobody is bare."""
        for kind, (changes, removals) in LIMITS.items():
            sent = [one for one in self.sent if (one.sku or one.kind) == kind]
            gained = [device for one in sent for device in one.gained]
            lost = [device for one in sent for device in one.lost]
            assert len(gained) + len(lost) <= changes, self.why
            assert len(lost) <= removals, self.why
            assert len(set(gained)) == len(gained), self.why
        assert self.gate.bare == [], self.why
        assert 3 in self.held(FLEX) | self.held(LIFETIME), self.why
        if 0 not in self.touched.get("fota", ()):
            assert 0 in self.held("fota"), self.why

    def plan(self) -> None:
        """Nothing is written that does not stand in the plan of this very run."""
        path = self.ran.dest / "plan.json"
        plan = self.ran.plan["accounts"] if path.exists() else []
        accounts = [one for one in plan if one["account"] == named(self.gate.number)]
        planned = {
            (part["kind"], part["sku"], device["device_id"])
            for account in accounts
            for part in account["parts"]
            for device in part["devices"]
        }
        for one in self.sent:
            for device in [*one.gained, *one.lost]:
                assert (one.kind, one.sku, device) in planned, (device, planned, self.why)

    def rows(self) -> dict[tuple[str, str, str], Json]:
        """What the record says about each device of each part."""
        path = self.ran.dest / "run.json"
        accounts = self.ran.record["accounts"] if path.exists() else []
        return {
            (part["kind"], part["sku"], row["device_id"]): row
            for account in accounts
            if account["account"] == named(self.gate.number)
            for part in account["parts"]
            for row in part["devices"]
        }

    def complete(self) -> bool:
        """Whether the plan says of no device that it stays not as wanted."""
        accounts = [one for one in self.ran.plan["accounts"] if one["account"] == named(self.gate.number)]
        return not any(part.get("incomplete") for one in accounts for part in (one, *one["parts"]))

    def told(self) -> None:
        """What was executed is never called skipped, unchanged or failed; and what is called done, was executed."""
        rows = self.rows()
        done = {(one.kind, one.sku, device) for one in self.sent for device in [*one.gained, *one.lost]}
        for key in done:
            # A request is accepted first; that it fails later is true then.
            untrue = {"skipped", "unchanged"} if key[0] == "simsec" else {"skipped", "unchanged", "failed"}
            assert rows[key]["outcome"] not in untrue, (key, rows[key], self.why)
        for key, row in rows.items():
            somebodys = self.devices.index(key[2]) in self.touched.get(key[1] or key[0], ())
            if row["outcome"] in ("assigned", "removed", "added", "accepted") and not somebodys:
                assert key in done, (row, self.why)

    def green(self) -> bool:
        """Whether the run says that all is as wanted; then it is so, but for what nobody could see any more."""
        rows = self.rows()
        well = self.ran.recap.get(named(self.gate.number)) not in ("failed", None)
        green = well and bool(rows) and all(map(is_done, rows.values())) and self.complete()
        if green:
            for kind, wanted in WANTED.items():
                unseen = set() if self.read_since(kind) else self.touched.get(kind, set())
                assert self.held(kind) - unseen == wanted - unseen, (kind, self.why)
        return green

    def read_since(self, kind: str) -> bool:
        """Whether the apply has looked since somebody wrote; nobody can see who holds a SIM-Secure license."""
        at = self.gate.moment if self.gate.happened else -1
        path = {"fota": f"/{named(self.gate.number)}/index", "removal_candidates": "/cancel"}.get(kind)
        return path is not None and any(one.startswith("GET") and path in one for one in self.gate.seen[at:])

    def __call__(self) -> bool:
        """All of it; returns whether the run is green."""
        self.limits()
        self.plan()
        self.told()
        return self.green()


@pytest.fixture
def make_estate(
    tmp_path: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> t.Iterator[t.Callable[[int], Estate]]:
    made: list[Estate] = []

    def make(accounts: int) -> Estate:
        made.append(Estate(tmp_path, simulator, accounts, monkeypatch, capsys))
        return made[-1]

    yield make
    for estate in made:
        estate.close()


MakeEstate = t.Callable[[int], Estate]


FULL = os.environ.get("FLEET_MATRIX") == "full"
TURNS = range(len(WRITERS)) if FULL else [0]


def disturb(estate: Estate, moments: t.Mapping[int, int], writers: t.Mapping[int, Writer]) -> None:
    """Let somebody write to each of these accounts, each at its own request."""
    for number, moment in moments.items():
        estate.gate(number, moment, lambda gate: writers[gate.number](estate.somebody, gate.number))


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("first", [0, 1], ids=["even", "odd"])
def test_somebody_writes_and_limits_hold(make_estate: MakeEstate, first: int, turn: int) -> None:
    moments = dict(enumerate(range(first, REQUESTS + 1, 2), 1))
    estate = make_estate(len(moments))
    writers = {number: WRITERS[(moment + turn) % len(WRITERS)] for number, moment in moments.items()}
    disturb(estate, moments, writers)
    ran = estate.apply("apply", moments)
    for number, gate in estate.gates.items():
        assert gate.happened is (moments[number] < REQUESTS), (moments[number], ran.text)
        green = Judge(estate, gate, ran, writers[number])()
        if not gate.happened:
            assert green, "nobody disturbed it"
            assert len(gate.seen) == REQUESTS, gate.seen


@pytest.mark.parametrize("turn", TURNS)
def test_somebody_writes_after_an_approval(make_estate: MakeEstate, turn: int) -> None:
    moments = dict(enumerate(range(PARTS["the plan"].stop, REQUESTS, 1 if FULL else 2), 1))
    estate = make_estate(len(moments))
    plan = estate.plan("plan", moments)
    assert set(plan.statuses.values()) == {"changes"}, plan.text
    writers = {number: WRITERS[(moment + turn) % len(WRITERS)] for number, moment in moments.items()}
    disturb(estate, moments, writers)
    command = estate.command("apply", moments, "thingspace.licensing.apply", approved="plan/plan.json")
    ran = estate.end(estate.start(*command), "apply")
    for number, gate in estate.gates.items():
        assert gate.happened, ran.text
        Judge(estate, gate, ran, writers[number])()


BY_TURNS = (KILLED, BY_THE_PROGRAM, TO_THE_GROUP, KILLED_MODULE, BY_THE_PROGRAM)
"""How a run is ended in each of C(PARTS)."""


def _binds_at(gate: Gate, sent: Sent) -> bool:
    """Whether it is the request at which the run was ended, and assigns the new SIM-Secure license."""
    return sent.number == gate.moment and sent.sku == LIFETIME


@pytest.mark.parametrize("ways", [[way] * len(PARTS) for way in WAYS] if FULL else [BY_TURNS], ids=" ".join)
def test_a_run_that_is_ended(make_estate: MakeEstate, ways: t.Sequence[str]) -> None:
    """Writes nothing more, and never says of what it did that it did not; the next run brings all to its end."""
    planning = len(PARTS["the plan"])
    estate = make_estate(REQUESTS - planning)
    in_doubt: set[int] = set()
    for place, (moments, way) in enumerate(zip(PARTS.values(), ways, strict=True)):
        # Planning writes nothing, so the accounts are unchanged.
        numbers = {moment + 1 - (planning if place else 0): moment for moment in moments}
        ran = estate.interrupt(f"run{place}", numbers, way)
        assert ran.returncode != 0, ran.text
        for gate in (estate.gates[number] for number in numbers):
            assert gate.happened, ran.text
            assert not Judge(estate, gate, ran)(), ran.text
            if way in (KILLED, KILLED_MODULE) and [one for one in gate.sent if _binds_at(gate, one)]:
                in_doubt.add(gate.number)
            if way != KILLED_MODULE:
                assert [one for one in gate.sent if one.number > gate.moment] == [], (gate.seen, ran.text)
    for number in estate.numbers:
        estate.gate(number, -1, lambda _gate: None)
    # What a kill left in doubt, the account's count settles, but it does not prove which device holds the license.
    ran = estate.apply("again", estate.numbers, fleet_licensing_settle_time="0")
    bound = estate.simulator.requests("simsec_assign")
    for number, gate in estate.gates.items():
        assert ran.recap[named(number)] in ("ok", "changed"), ran.text
        judge = Judge(estate, gate, ran)
        judge()
        assert judge.complete() is (number not in in_doubt), judge.why
        old = {3} if number in in_doubt else set[int]()
        assert {kind: judge.held(kind) for kind in WANTED} == {**WANTED, FLEX: old}, judge.why
        once = [one for one in bound if one["sku"] == LIFETIME and judge.devices[3] in one["devices"]]
        assert len(once) == 1, "it is bound for life once"
