# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delivery of callback messages: up to four attempts each, minutes apart on the simulator's clock."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter, deque
from typing import Any

from ..world.listeners import CARRIER, Listener
from ..world.world import World
from .message import MAX_ATTEMPTS, Message, Sender
from .timeline import Timeline

THREADS = 4
SHOWN = 1000
OUTCOMES = ("waiting", "delivered", "given_up", "refused", "lost", "dropped")


class Callbacks:
    """All messages that are not delivered, and the last ones that are."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._timeline: Timeline[Message] = Timeline(world.clock, world.stopping)
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._made = 0
        self._epoch = 0
        self._last: deque[Message] = deque(maxlen=SHOWN)
        self._threads: list[threading.Thread] = []

    def add(self, messages: list[Message]) -> None:
        """Send messages as soon as possible. Without a listener they are lost (best practices page)."""
        every = self._world.quirks.count("callback_loss")
        ready: list[Message] = []
        with self._lock:
            for message in messages:
                self._made += 1
                self._last.append(message)
                message.epoch = self._epoch
                message.listener = self._registered(message.account)
                if every and self._made % every == 0:
                    message.outcome = "dropped"
                elif message.listener is None:
                    message.outcome = "lost"
                elif not message.listener.is_here:
                    message.outcome = "refused"
                else:
                    ready.append(message)
                self._counts[message.outcome] += 1
        if ready:
            self._start()
            for message in ready:
                message.due = self._world.clock.now()
            self._timeline.add(self._world.clock.now(), ready)

    def rush(self, seconds: float) -> None:
        """Make all attempts due now, and wait up to some seconds until they are made."""
        self._timeline.rush()
        end = time.monotonic() + seconds
        while not self._timeline.is_quiet() and time.monotonic() < end and not self._world.stopping.wait(0.01):
            pass

    def clear(self) -> int:
        """Forget all messages. Return how many were waiting."""
        with self._lock:
            waiting = self._counts["waiting"]
            self._epoch += 1
            self._timeline.clear()
            self._counts.clear()
            self._last.clear()
            self._made = 0
            return waiting

    def report(self) -> dict[str, Any]:
        """Return counts and the last messages, without passwords."""
        with self._lock:
            counts = {outcome: self._counts[outcome] for outcome in OUTCOMES}
            return {**counts, "messages": [message.report() for message in self._last]}

    def _start(self) -> None:
        """Start the sending threads unless they run."""
        with self._lock:
            while len(self._threads) < THREADS:
                self._threads.append(threading.Thread(target=self._run, daemon=True))
                self._threads[-1].start()

    def _run(self) -> None:
        """Send what is due, until the simulator ends."""
        sender = Sender()
        while (message := self._timeline.take()) is not None:
            self._attempt(sender, message)
            self._timeline.done()
        sender.close()

    def _attempt(self, sender: Sender, message: Message) -> None:
        """Make one attempt, and plan the next if it fails."""
        quirks = self._world.quirks
        if quirks.word("callback_listener") == "current":
            message.listener = self._registered(message.account)
        listener = message.listener
        if listener is None or not listener.is_here:
            self._finish(message, "refused" if listener else "lost")
            return
        message.attempts += 1
        try:
            body = message.body(listener, quirks)
            statuses = [sender.post(listener, body) for _copy in range(quirks.count("callback_copies"))]
            message.answer = str(statuses[-1])
            good = all(200 <= status < 300 for status in statuses)
        except (OSError, http.client.HTTPException, ValueError) as error:
            message.answer, good = f"{type(error).__name__}: {error}", False
        if good or message.attempts >= MAX_ATTEMPTS:
            self._finish(message, "delivered" if good else "given_up")
        elif message.epoch == self._epoch:
            # Counted from when it was due: if the clock moves by an hour, all attempts of that hour are made.
            message.due = min(message.due, self._world.clock.now()) + quirks.number("callback_interval")
            self._timeline.add(message.due, [message])

    def _finish(self, message: Message, outcome: str) -> None:
        """Note how a message ended, unless it was forgotten in the meantime."""
        with self._lock:
            message.outcome = outcome
            if message.epoch == self._epoch:
                self._counts["waiting"] -= 1
                self._counts[outcome] += 1

    def _registered(self, account: str) -> Listener | None:
        """Return the listener that is registered now."""
        found = self._world.accounts.get(account)
        return found.listeners.get(CARRIER) if found else None
