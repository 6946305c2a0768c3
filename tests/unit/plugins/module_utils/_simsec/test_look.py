# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long a run waits until a request that was lost just now is old enough to be judged."""

from __future__ import annotations

import types
import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._journal.rows import Lost, Moved, Range, Snapshot
from ansible_collections.thingspace.licensing.plugins.module_utils._simsec import look as look_module
from ansible_collections.thingspace.licensing.tests.support.fakes import Clock, imei

LOST = Lost(1, 1, "assign", "sent", [imei(1)], {})
AGE = 2.0
"""Of the lost request when the run begins."""


class Case:
    """A journal whose reports grow slower, by the seconds since the run began."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, latency: t.Callable[[float], float | None]) -> None:
        self.clock = Clock(0.0)
        self.job: t.Any = types.SimpleNamespace(
            settle_time=None,
            scope=types.SimpleNamespace(account="a", sku="s"),
            wish=types.SimpleNamespace(devices=[imei(1)], sku=types.SimpleNamespace(lifetime=False)),
        )
        self.latency = latency
        monkeypatch.setattr(look_module, "age", lambda _sent: self.clock.now + AGE)

    def snapshot(self, *_scope: t.Any) -> Snapshot:
        """What the journal knows now."""
        return Snapshot({}, [LOST], [Moved(0, lost=Range(0, 1))], self.latency(self.clock.now))

    def moved_since_last_count(self, _account: str, _sku: str, *, trusting: bool) -> Moved:
        """Nothing is known from before, so every count fits."""
        return Moved(None)

    def judged(self, *, check_mode: bool = False) -> str:
        """The judgment about the lost request after looking; nothing of it was counted."""
        context: t.Any = types.SimpleNamespace(check_mode=check_mode, stop=self.clock)
        api: t.Any = types.SimpleNamespace(subscriptions=list)
        journal: t.Any = self
        known, *_counts = look_module.look(context, self.job, journal, api, self.snapshot())
        return look_module.judge_lost(self.job, known, 0)[1]


@pytest.mark.parametrize(
    ("latency", "slept"),
    [
        (lambda _now: 1.0, [13.0]),
        (lambda _now: None, [28.0]),
        (lambda _now: 20.0, [58.0]),
        # Reports that arrive meanwhile took longer than those before.
        (lambda now: 1.0 if now < 13 else 9.0, [13.0, 12.0]),
        (lambda now: 1.0 if now < 13 else 6.0 if now < 16 else 12.0, [13.0, 3.0, 18.0]),
    ],
)
def test_long_enough(
    monkeypatch: pytest.MonkeyPatch, latency: t.Callable[[float], float | None], slept: list[float]
) -> None:
    case = Case(monkeypatch, latency)
    assert case.judged() == "no_effect"
    assert case.clock.slept == slept


@pytest.mark.parametrize("latency", [lambda _now: 21.0, lambda now: 1.0 if now < 13 else 100.0])
def test_never_longer_than_a_minute(monkeypatch: pytest.MonkeyPatch, latency: t.Callable[[float], float]) -> None:
    case = Case(monkeypatch, latency)
    assert case.judged() == "too_early"
    assert sum(case.clock.slept) <= look_module.PATIENT


def test_check_mode_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case(monkeypatch, lambda _now: 1.0)
    assert case.judged(check_mode=True) == "too_early"
    assert case.clock.slept == []
