# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line: the ready file, the end, and one clear line for every mistake."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

PROGRAM = Path(__file__).resolve().parents[4] / "roles" / "simulator" / "files" / "thingspace_simulator"


def begin(*options: object, ready: Path | None = None, program: tuple[str, ...] = (str(PROGRAM),)):
    """Start the program and wait until it is ready."""
    words = [str(option) for option in options]
    if ready is not None:
        words += ["--ready-file", str(ready)]
    process = subprocess.Popen(
        [sys.executable, *program, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=PROGRAM.parent,
    )
    end = time.monotonic() + 10
    while ready is not None and not ready.exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    return process


def state_of(tmp_path, *options: object):
    """Start the program, return its state, and stop it."""
    ready = tmp_path / "ready.json"
    process = begin(*options, ready=ready)
    root = json.loads(ready.read_text())["base_url"].removesuffix("/api")
    state = requests.get(f"{root}/_simulator/state", timeout=20).json()
    process.terminate()
    process.communicate(timeout=20)
    return state


@pytest.mark.parametrize("program", [(str(PROGRAM),), ("-m", "thingspace_simulator")])
def test_ready_file_line_and_stop(tmp_path, program):
    ready = tmp_path / "ready.json"
    process = begin("--devices", 7, "--quirk", "page_size=2", "--latency", "0.01", ready=ready, program=program)
    found = json.loads(ready.read_text())
    assert found["pid"] == process.pid
    assert found["base_url"] == f"http://127.0.0.1:{found['port']}/api"
    root = found["base_url"].removesuffix("/api")
    assert requests.get(f"{root}/_simulator/", timeout=20).json()["pid"] == process.pid
    quirks = requests.get(f"{root}/_simulator/quirks", timeout=20).json()
    assert (quirks["page_size"], quirks["latency"]) == (2, 0.01)
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert time.monotonic() - begun < 2
    assert out == f"ThingSpace simulator: {found['base_url']} (account 0000123456-00001, 7 devices)\n"
    assert (process.returncode, err, ready.exists()) == (0, "", False)


def test_large_account_starts_fast(tmp_path):
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    process = begin("--devices", 100_000, "--licensed", 100_000, ready=tmp_path / "ready.json")
    process.terminate()
    process.communicate(timeout=20)
    # Processor time, so that a busy machine makes no difference; an idle one takes half a second.
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 3


def test_licenses_of_each_sku(tmp_path):
    skus = state_of(tmp_path, "--devices", 5, "--sku-licenses", 3)["accounts"][0]["skus"]
    assert [(sku["purchased"], sku["licenses"]) for sku in skus] == [(3, [])] * 4


def test_seed_file(tmp_path):
    seed = tmp_path / "seed.json"
    seed.write_text(json.dumps({"accounts": [{"name": "a", "devices": 2}], "quirks": {"page_size": 3}}))
    state = state_of(tmp_path, "--seed-file", seed, "--quirk", "time_format=go")
    assert [account["name"] for account in state["accounts"]] == ["a"]
    assert (state["quirks"]["page_size"], state["quirks"]["time_format"]) == (3, "go")


def test_ends_by_itself(tmp_path):
    assert begin("--max-seconds", 0.2).wait(timeout=20) == 0
    parent = subprocess.Popen(["sleep", "60"])
    process = begin("--parent-pid", parent.pid, ready=tmp_path / "ready.json")
    assert process.poll() is None
    parent.kill()
    assert process.wait(timeout=20) == 0
    parent.wait()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--host", "0.0.0.0"], "loopback"),
        (["--host", "example.com"], "loopback"),
        (["--port", "70000"], "--port"),
        (["--port", "x"], "--port"),
        (["--devices", "1", "--licensed", "2"], "--licensed"),
        (["--licenses", "-1"], "license_count"),
        (["--quirk", "x=1"], "quirks.x"),
        (["--quirk", "v3_list"], "NAME=VALUE"),
        (["--quirk", "v3_list=none"], "both, index, query"),
        (["--latency", "-1"], "latency"),
        (["--seed-file", "/nonexistent"], "/nonexistent"),
        (["--seed-file", os.devnull], os.devnull),
        (["--ready-file", "/dev/null/ready"], "/dev/null"),
        (["--tls-key", "/nonexistent"], "--tls-cert"),
        (["--tls-cert", "/nonexistent"], "/nonexistent"),
        (["--color"], "--color"),
    ],
)
def test_mistakes_are_one_line(options, word):
    process = begin(*options)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (2, "")
    assert err.count("\n") == 1
    assert word in err


def test_port_in_use():
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        process = begin("--port", busy.getsockname()[1])
        _out, err = process.communicate(timeout=20)
    assert (process.returncode, err.count("\n")) == (2, 1)
    assert "in use" in err
