# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a task is to end: each sign alone, in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client.starter import CONTROLLER
from ansible_collections.thingspace.licensing.plugins.module_utils._client.stop import Interrupted, Stop

WATCH = """
import os, sys, time
from ansible_collections.thingspace.licensing.plugins.module_utils._client.stop import Stop
stop = Stop()
stop.install()
os.write(2, b"ready")
stop.sleep(60)
os.write(2, ("; " + stop.why).encode())
"""
SOON = 30


def watching(*prefix: str, **options: t.Any) -> subprocess.Popen[bytes]:
    """A process that waits until it is to end, and then says why."""
    environment = {**os.environ, "PYTHONPATH": os.environ["ANSIBLE_COLLECTIONS_PATH"], **options.pop("more", {})}
    command = [*prefix, sys.executable, "-c", WATCH]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, **options)
    assert process.stderr is not None
    assert os.read(process.stderr.fileno(), 5) == b"ready"
    return process


def told(process: subprocess.Popen[bytes]) -> str:
    assert process.stderr is not None
    with process.stderr:
        text = process.stderr.read().decode()
    process.wait(SOON)
    return text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal(number: signal.Signals) -> None:
    process = watching(stdout=subprocess.DEVNULL)
    process.send_signal(number)
    assert told(process) == f"; it got the signal {number.name}"
    assert process.returncode == 0


def test_nobody_reads_the_output_any_more() -> None:
    reader, writer = os.pipe()
    process = watching(stdout=writer)
    os.close(writer)
    os.close(reader)
    assert told(process) == "; nothing waits for its result any more"


def test_the_parent_is_gone() -> None:
    process = watching("/bin/sh", "-c", '"$@"; true', "sh", stdout=subprocess.DEVNULL)
    process.kill()
    assert told(process) == "; the process that started it is gone"


@pytest.mark.parametrize("pidfd", [True, False])
def test_the_controller_is_gone(pidfd: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the system lets one know."""
    if not pidfd:
        monkeypatch.delattr(os, "pidfd_open", raising=False)
    controller = subprocess.Popen(["sleep", "60"])
    monkeypatch.setenv(CONTROLLER, str(controller.pid))
    stop = Stop()
    stop.install()
    try:
        assert stop.why == ""
        stop.require(reading=False)
        controller.kill()
        controller.wait(SOON)
        with pytest.raises(Interrupted, match="ansible-playbook is gone"):
            stop.require(reading=False)
    finally:
        stop.close()


CONTROL = """
import signal, sys
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda *_: signal.signal(number, signal.SIG_DFL))
print("ready", flush=True)
sys.stdin.readline()
signal.signal(signal.Signals[sys.argv[1]], signal.SIG_DFL)
print("ending", flush=True)
sys.stdin.readline()
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="the system does not tell")
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_the_controller_was_told_to_end(number: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It gives its handlers up and waits for its workers, of which not all hear of it."""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", CONTROL, number], stdin=pipe, stdout=pipe, text=True) as controller:
        assert controller.stdin is not None
        assert controller.stdout is not None
        controller.stdout.readline()
        monkeypatch.setenv(CONTROLLER, str(controller.pid))
        stop = Stop()
        stop.install()
        try:
            stop.require(reading=False)
            controller.stdin.write("\n")
            controller.stdin.flush()
            controller.stdout.readline()
            with pytest.raises(Interrupted, match="ansible-playbook was told to end"):
                stop.require(reading=False)
        finally:
            stop.close()
            controller.stdin.close()


def test_what_is_ignored_stays_so_and_all_is_left_as_it_was() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
        stop = Stop()
        stop.install()
        os.kill(os.getpid(), signal.SIGHUP)
        assert stop.why == ""
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.why == "it got the signal SIGTERM"
        stop.close()
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_signal_breaks_off_only_what_may_be_broken_off() -> None:
    stop = Stop()
    stop.install()

    def interrupted(may_break: bool) -> None:
        with stop.breakable(may_break):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0)

    try:
        interrupted(False)
        with pytest.raises(Interrupted):
            interrupted(True)
    finally:
        stop.close()


def test_without_a_controller_or_signal_it_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CONTROLLER, "not a number")
    stop = Stop()
    for _twice in range(2):
        stop.install()
        assert stop.why == ""
        stop.sleep(0.001)
    stop.close()


def test_what_one_step_may_finish_is_no_leave_for_the_next() -> None:
    stop = Stop()
    stop.install()
    try:
        stop.allow(60)
        os.kill(os.getpid(), signal.SIGTERM)
        stop.require(reading=False)
        stop.begin_step()
        with pytest.raises(Interrupted):
            stop.require(reading=False)
    finally:
        stop.close()
