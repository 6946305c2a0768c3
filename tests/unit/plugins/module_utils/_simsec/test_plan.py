# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decisions about devices, and the consent to bind for life."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.status import (
    NOTHING,
    WITHOUT_EFFECT,
    Attempt,
    DeviceStatus,
    RequestState,
    fold,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.answer import Action
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.plan import Pool
from ansible_collections.thingspace.licensing.plugins.module_utils._simsec.plan import (
    SEND,
    SimsecPlan,
    Wish,
    decide,
    make_simsec_plan,
    require_consent,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._simsec.skus import sku_of
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, imeis

OLD, OVERDUE, NEW = "2026-01-01T00:00:00.000000Z", "2026-01-02T00:00:00", "2026-01-03T00:00:00.000000Z"
LIFETIME, FLEX = "SIMSec-IoT-Lt", "SIMSec-IoT"
POOL = Pool(100, 3)


def wish(action: Action = "assign", sku: str = FLEX, devices: list[str] | None = None, **given_: t.Any) -> Wish:
    flags = {"retry_unknown": False, "retry_failed": False, **given_}
    return Wish(ACCOUNT, sku_of(sku), "imei", action, devices or [], overdue=OVERDUE, **flags)


def attempt(action: Action, state: RequestState, outcome: str | None = None, sent: str = NEW) -> Attempt:
    return Attempt(1, action, state, outcome, "words" if outcome == "failed" else "", "r", "1-234", sent, "")


ACTIONS = st.sampled_from(t.get_args(Action))
WISHES = st.builds(
    wish, ACTIONS, st.sampled_from([FLEX, LIFETIME]), retry_unknown=st.booleans(), retry_failed=st.booleans()
)
ATTEMPTS = st.lists(
    st.builds(
        attempt,
        ACTIONS,
        st.sampled_from(t.get_args(RequestState)),
        st.sampled_from([None, None, "success", "failed"]),
        st.sampled_from([OLD, NEW]),
    ),
    max_size=5,
)


def table() -> t.Iterator[t.Any]:
    """State and outcome of the last assignment, its age, and what 'present' and 'absent' make of it."""
    yield "accepted", "success", NEW, "unchanged", "send"
    yield "unknown", "success", OLD, "unchanged", "send"
    yield "accepted", "failed", NEW, "failed", "send"
    yield "accepted", None, NEW, "accepted", "skipped"
    yield "accepted", None, OLD, "accepted", "send"
    yield "unknown", None, NEW, "unknown", "unknown"
    yield "unknown", None, OLD, "unknown", "send"
    yield "sending", None, NEW, "unknown", "unknown"
    yield "rejected", None, NEW, "send", "send"
    yield "not_sent", None, NEW, "send", "send"
    yield "no_effect", None, NEW, "send", "send"


@pytest.mark.parametrize(("state", "outcome", "sent", "present", "absent"), list(table()))
def test_decisions(state: RequestState, outcome: str | None, sent: str, present: str, absent: str) -> None:
    status = fold([attempt("assign", state, outcome, sent)])
    assert decide(wish("assign"), status).outcome == present
    assert decide(wish("remove"), status).outcome == absent


@pytest.mark.parametrize(("state", "outcome", "sent", "present", "absent"), list(table()))
def test_decisions_about_a_removal(
    state: RequestState, outcome: str | None, sent: str, present: str, absent: str
) -> None:
    status = fold([attempt("remove", state, outcome, sent)])
    assert decide(wish("remove"), status).outcome == present
    # What it held before a removal that failed is not known, so then it is sent.
    assert decide(wish("assign"), status).outcome == ("send" if outcome == "failed" else absent)


def test_reasons_say_what_would_have_to_be_done() -> None:
    failed = decide(wish(), fold([attempt("assign", "accepted", "failed")]))
    assert failed.reason == "words (not sent again without 'retry_failed: true')"
    pending = decide(wish(), fold([attempt("assign", "accepted", sent=OLD)]))
    told = "sent 2026-01-01 00:00:00 UTC, not confirmed yet, and no confirmation is expected any more"
    assert pending.reason == f"{told}. It is sent again only with 'retry_unknown: true'"
    skipped = decide(wish("remove"), fold([attempt("assign", "accepted")]))
    told = "not sent: its assignment of 2026-01-03 00:00:00 UTC is not confirmed yet. Possible from "
    told += "2026-01-03 01:00:00 UTC, or when a receiver hears of it; the account's count "
    assert skipped.reason == told + "does not confirm it"
    young = dataclasses.replace(wish("remove"), settle=1e10)
    skipped = decide(young, fold([attempt("assign", "accepted")]))
    assert skipped.reason.startswith(told + "can confirm it from 2342-")
    unknown = decide(wish("remove"), fold([attempt("assign", "unknown")]))
    assert unknown.reason.startswith("its assignment was sent 2026-01-03 00:00:00 UTC and has no reliable answer")
    assert unknown.reason.endswith("'retry_unknown: true'")


def test_the_reason_names_the_direction_that_was_sent() -> None:
    """The wording of an unknown one, in all four combinations."""
    words: dict[Action, str] = {"assign": "assignment", "remove": "removal"}
    for sent, word in words.items():
        for wanted in words:
            status = fold([attempt(sent, "unknown")])
            assert f"its {word} was sent" in decide(wish(wanted), status).reason


def test_a_failed_removal_leaves_the_license() -> None:
    status = fold([attempt("assign", "accepted", "success"), attempt("remove", "accepted", "failed")])
    assert decide(wish("assign"), status).outcome == "unchanged"
    assert decide(wish("remove"), status).outcome == "failed"
    assert decide(wish("remove", retry_failed=True), status) is SEND


def test_a_failed_assignment_after_an_unconfirmed_removal_is_not_called_licensed() -> None:
    """The removal may have happened. Yesterday's run said 'failed', today's must not say that all is well."""
    attempts = [attempt("assign", "accepted", "success", OLD), attempt("remove", "accepted", None, OLD)]
    status = fold([*attempts, attempt("assign", "accepted", "failed")])
    assert decide(wish("assign"), status).outcome != "unchanged"


@given(WISHES, ATTEMPTS)
def test_nothing_that_may_have_bound_for_life_is_sent_again(wanted: Wish, attempts: list[Attempt]) -> None:
    status = fold(attempts)
    decision = decide(dataclasses.replace(wanted, sku=sku_of(LIFETIME), action="assign"), status)
    if decision is SEND and not wanted.retry_unknown:
        last = status.last
        assert last is None or last.outcome is not None or last.action == "remove"
        if last is not None and last.outcome == "failed" and last.action == "assign":
            assert wanted.retry_failed


@given(WISHES, ATTEMPTS)
def test_nothing_is_sent_twice_while_it_may_still_be_on_its_way(wanted: Wish, attempts: list[Attempt]) -> None:
    status = fold(attempts)
    last = status.last
    if last is None or last.outcome is not None or last.state != "accepted" or last.sent == OLD:
        return
    assert decide(wanted, status) is not SEND


@given(WISHES, ATTEMPTS)
def test_confirmed_is_final(wanted: Wish, attempts: list[Attempt]) -> None:
    status = fold([*attempts, attempt(wanted.action, "accepted", "success")])
    assert decide(wanted, status).outcome == "unchanged"


DEVICES = imeis(6)
STATUSES = st.dictionaries(st.sampled_from(DEVICES), ATTEMPTS.map(fold))


def plan_of(wanted: Wish, statuses: dict[str, DeviceStatus], pool: Pool = POOL) -> SimsecPlan:
    return make_simsec_plan(wanted, statuses, pool)


@given(WISHES, STATUSES, st.lists(st.sampled_from(DEVICES), unique=True))
def test_every_device_has_one_decision(wanted: Wish, statuses: dict[str, DeviceStatus], devices: list[str]) -> None:
    wanted = dataclasses.replace(wanted, devices=devices)
    plan = plan_of(wanted, statuses)
    assert list(plan.decisions) == devices
    assert list(plan.sent) == [one for one in devices if decide(wanted, statuses.get(one, NOTHING)) is SEND]
    assert (plan.plan.remove if wanted.action == "assign" else plan.plan.assign) == ()
    unchanged = [one for one, decision in plan.decisions.items() if decision.outcome == "unchanged"]
    assert list(plan.plan.unchanged) == unchanged


@given(WISHES, STATUSES, st.permutations(DEVICES))
def test_digest_does_not_depend_on_the_order(
    wanted: Wish, statuses: dict[str, DeviceStatus], shuffled: list[str]
) -> None:
    one = plan_of(dataclasses.replace(wanted, devices=DEVICES), statuses)
    other = plan_of(dataclasses.replace(wanted, devices=shuffled), statuses)
    assert one.plan.digest == other.plan.digest


def test_digest_differs_when_anything_differs() -> None:
    base = wish(devices=DEVICES)
    held = {DEVICES[0]: fold([attempt("assign", "accepted", "success")])}
    plans = [
        plan_of(base, held),
        plan_of(base, {}),
        plan_of(base, {DEVICES[1]: held[DEVICES[0]]}),
        plan_of(base, held, Pool(99, 3)),
        plan_of(dataclasses.replace(base, account="other"), held),
        plan_of(dataclasses.replace(base, kind="iccid"), held),
        plan_of(dataclasses.replace(base, action="remove"), held),
        plan_of(dataclasses.replace(base, sku=sku_of(LIFETIME)), held),
        plan_of(dataclasses.replace(base, devices=DEVICES[:5]), held),
    ]
    digests = [plan.plan.digest for plan in plans]
    assert None not in digests
    assert len(set(digests)) == len(plans)


@given(st.integers(0, 6), st.none() | st.integers(0, 6), st.sampled_from([LIFETIME, "X-LT", FLEX]), ACTIONS)
def test_consent_is_for_at_least_that_many(bound: int, consent: int | None, sku: str, action: Action) -> None:
    wanted = wish(action, sku, DEVICES[:bound])
    plan = plan_of(wanted, {})
    if sku == FLEX or action == "remove" or bound <= (consent or 0):
        require_consent(wanted, plan, consent)
        return
    with pytest.raises(LicensingError) as caught:
        require_consent(wanted, plan, consent)
    failure = caught.value.as_failure()
    assert (failure["code"], failure["planned"], failure["consented"]) == ("lifetime_consent", bound, consent or 0)
    assert failure["devices"] == DEVICES[:bound]
    assert "Nothing was sent" in failure["message"]
    assert f"'lifetime_consent: {bound}'" in failure["message"]


def test_consent_names_20_devices_and_counts_the_rest() -> None:
    wanted = wish(sku=LIFETIME, devices=imeis(25))
    with pytest.raises(LicensingError, match=r"and 5 more\. Nothing was sent"):
        require_consent(wanted, plan_of(wanted, {}), 24)


def test_states_without_effect_are_those_that_the_plan_relies_on() -> None:
    assert set(WITHOUT_EFFECT) == {"rejected", "not_sent", "no_effect"}
