# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One request as often as the policy allows, at the shared pace, inside the deadline."""

from __future__ import annotations

import email.utils

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client import sender as sender_module
from ansible_collections.thingspace.licensing.plugins.module_utils._client.runtime_dir import MemoryStore
from ansible_collections.thingspace.licensing.plugins.module_utils._client.transport import Request
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import TransportError
from ansible_collections.thingspace.licensing.tests.support.fakes import (
    BASE,
    Clock,
    Looks,
    Script,
    lost,
    sender,
    step,
    unsent,
)

READ = Request("list", "GET", BASE + "/x", None)
WRITE = Request("assign", "POST", BASE + "/x", None, json={})


def test_answer_at_once() -> None:
    clock, script = Clock(), Script(step("GET", "/x", 200, {"a": 1}))
    talker = sender(script, clock)
    assert talker.send(READ, safe=True).body == b'{"a": 1}'
    assert clock.slept == []
    assert talker.count.as_result() == {"sent": 1, "retried": 0, "throttled": 0, "throttled_seconds": 0.0}


def test_read_is_repeated_until_it_works() -> None:
    clock = Clock()
    script = Script(step("GET", "/x", 503), lost("GET", "/x"), step("GET", "/x", 200))
    talker = sender(script, clock)
    assert talker.send(READ, safe=True).status == 200
    script.finished()
    assert clock.slept == [0.25, 0.5]
    assert (talker.count.sent, talker.count.retried) == (3, 2)


def test_read_gives_up_with_the_last_answer() -> None:
    script = Script(*[step("GET", "/x", status) for status in (500, 502, 504)])
    assert sender(script, Clock()).send(READ, safe=True).status == 504
    script.finished()


@pytest.mark.parametrize("status", [429, 500])
@pytest.mark.parametrize("retries", [0, 1, 9])
def test_fewer_repetitions_than_the_policy_allows(status: int, retries: int) -> None:
    script = Script(*[step("GET", "/x", status)] * (1 + min(retries, 2)))
    assert sender(script, Clock(), retries=2).send(READ, safe=True, retries=retries).status == status
    script.finished()


def test_read_gives_up_with_the_last_error() -> None:
    script = Script(lost("GET", "/x"), lost("GET", "/x"), unsent("GET", "/x"))
    with pytest.raises(TransportError) as raised:
        sender(script, Clock()).send(READ, safe=True)
    assert raised.value.in_doubt is False
    script.finished()


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_write_with_a_doubtful_answer_is_not_repeated(status: int) -> None:
    script = Script(step("POST", "/x", status))
    assert sender(script, Clock()).send(WRITE, safe=False).status == status


def test_write_whose_answer_is_lost_is_not_repeated() -> None:
    with pytest.raises(TransportError) as raised:
        sender(Script(lost("POST", "/x")), Clock()).send(WRITE, safe=False)
    assert raised.value.in_doubt is True


def test_write_that_was_certainly_not_carried_out_is_repeated() -> None:
    script = Script(unsent("POST", "/x"), step("POST", "/x", 429), step("POST", "/x", 200))
    assert sender(script, Clock()).send(WRITE, safe=False).status == 200
    script.finished()


def test_the_last_look_is_right_before_each_time_it_is_sent() -> None:
    """After every wait: for a connection, for the pause, and for the pace."""
    clock = Clock()
    script = Script(unsent("POST", "/x"), step("POST", "/x", 429, retry_after="7"), step("POST", "/x", 200))
    looks = Looks(lambda: (len(script.sent), sum(clock.slept)))
    sender(script, clock).send(WRITE, safe=False, each_time=looks)
    assert [sent for sent, _slept in looks.before_each] == [0, 1, 2]
    assert [sent for sent, _slept in looks.after_each] == [1, 2]
    assert looks.before_each[-1][1] == sum(clock.slept) >= looks.after_each[-1][1] + 7.0, "it is told before the pause"


@pytest.mark.parametrize("refusals", [0, 1])
def test_what_the_last_look_forbids_is_not_sent(refusals: int) -> None:
    script = Script(*[step("POST", "/x", 429)] * refusals)

    def look() -> None:
        if len(script.sent) == refusals:
            raise TransportError("Not any more.", code="interrupted", in_doubt=False)

    with pytest.raises(TransportError, match="Not any more"):
        sender(script, Clock()).send(WRITE, safe=False, each_time=Looks(look))
    assert len(script.sent) == refusals


def test_nothing_is_sent_if_the_last_look_takes_too_long() -> None:
    clock = Clock()
    with pytest.raises(TransportError, match="not enough to send 'assign'"):
        sender(Script(), clock, deadline=9.0).send(WRITE, safe=False, each_time=Looks(lambda: clock.sleep(10.0)))


def test_429_waits_as_asked_and_is_counted() -> None:
    clock = Clock()
    script = Script(step("GET", "/x", 429, retry_after="7"), step("GET", "/x", 200))
    talker = sender(script, clock)
    talker.send(READ, safe=True)
    assert sum(clock.slept) >= 7.0
    assert talker.count.as_result() == {"sent": 2, "retried": 1, "throttled": 1, "throttled_seconds": 7.0}


def test_429_with_a_date(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(sender_module, "time", clock.module())
    date = email.utils.formatdate(clock.now + 9, usegmt=True)
    sender(Script(step("GET", "/x", 429, retry_after=date), step("GET", "/x", 200)), clock).send(READ, safe=True)
    assert clock.slept == [9.0]


def test_429_for_ever_is_returned_and_makes_the_others_wait() -> None:
    clock, store = Clock(), MemoryStore()
    script = Script(*[step("GET", "/x", 429, retry_after="2")] * 3)
    assert sender(script, clock, store=store).send(READ, safe=True).status == 429
    sender(Script(step("GET", "/x", 200)), clock, store=store).send(READ, safe=True)
    assert clock.slept[:2] == pytest.approx([2.0, 2.0])
    assert 1.0 <= clock.slept[2] <= 3.0


@pytest.mark.parametrize("retries", [0, 1])
def test_pause_that_was_asked_for_holds_for_the_others_also_when_this_request_gives_up(retries: int) -> None:
    clock, store = Clock(), MemoryStore()
    script = Script(*[step("GET", "/x", 429, retry_after="20")] * (retries + 1))
    assert sender(script, clock, retries=retries, store=store).send(READ, safe=True).status == 429
    start = clock.now
    sender(Script(step("GET", "/x", 200)), clock, store=store).send(READ, safe=True)
    assert clock.now - start >= 20.0


def test_no_wait_beyond_the_deadline() -> None:
    clock = Clock()
    script = Script(step("GET", "/x", 429, retry_after="30"))
    with pytest.raises(TransportError, match="at the pace that ThingSpace allows") as raised:
        sender(script, clock, deadline=20.0).send(READ, safe=True)
    assert (raised.value.code, raised.value.in_doubt, clock.slept) == ("deadline_exceeded", False, [])


def test_no_backoff_beyond_the_deadline() -> None:
    clock = Clock()
    with pytest.raises(TransportError, match=r"wait 0\.2 s and repeat 'list'") as raised:
        sender(Script(step("GET", "/x", 503)), clock, deadline=0.2).send(READ, safe=True)
    assert raised.value.code == "deadline_exceeded"


def test_transport_gets_no_more_than_what_is_left() -> None:
    clock = Clock()
    script = Script(step("GET", "/x", 503, retry_after="4"), step("GET", "/x", 200))
    sender(script, clock, deadline=10.0).send(READ, safe=True)
    assert script.limits == [10.0, 6.0]


def test_nothing_is_sent_when_the_time_is_over() -> None:
    clock = Clock()
    talker = sender(Script(), clock, deadline=5.0)
    clock.now += 5
    with pytest.raises(TransportError, match=r"not enough to send 'list'\.") as raised:
        talker.send(READ, safe=True)
    assert "pace" not in str(raised.value), "something else took the time"
    assert talker.count.sent == 0


def test_certificate_is_not_tried_again() -> None:
    error = TransportError("no", code="tls_failed", in_doubt=False, retryable=False)
    script = Script(lost("GET", "/x"))
    script.steps[0].answer = error
    with pytest.raises(TransportError) as raised:
        sender(script, Clock()).send(READ, safe=True)
    assert raised.value is error


@pytest.mark.parametrize("status", [200, 302, 400, 408, 429, 500, 503])
@pytest.mark.parametrize("safe", [True, False])
def test_once_is_once_whatever_comes_back(status: int, safe: bool) -> None:
    script = Script(unsent("POST", "/x"), step("POST", "/x", status))
    assert sender(script, Clock()).send(WRITE, safe=safe, once=True).status == status
    script.finished()


@pytest.mark.parametrize("safe", [True, False])
def test_once_is_once_when_nothing_comes_back(safe: bool) -> None:
    script = Script(unsent("POST", "/x"), lost("POST", "/x"))
    with pytest.raises(TransportError) as raised:
        sender(script, Clock()).send(WRITE, safe=safe, once=True)
    assert raised.value.in_doubt is True
    script.finished()


def test_everyone_pauses_after_the_429_of_what_is_sent_once() -> None:
    clock, store = Clock(), MemoryStore()
    talker = sender(Script(step("POST", "/x", 429, retry_after="7")), clock, store=store)
    assert talker.send(WRITE, safe=False, once=True).status == 429
    assert talker.count.throttled == 1
    assert sender(Script(step("GET", "/x", 200)), clock, store=store).send(READ, safe=True).status == 200
    assert sum(clock.slept) >= 7.0
