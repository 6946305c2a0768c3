# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same job done with the SDK, with C(ansible.builtin.uri), and with the collection: same latency, same batches."""

from __future__ import annotations

import shlex
import sys
import typing as t

from processes import HERE, Used, Workspace
from stand import ACCOUNT, Simulator, imeis
from table import Row, faster

NAME = "alternatives"
BATCH = 100


class Job(t.NamedTuple):
    """License the devices of a file, of which some are licensed already."""

    devices: int
    named: int
    new: int


def run(space: Workspace, *, quick: bool, latency: float) -> t.Iterator[Row]:
    """Do the job in all ways, in turns, and compare the best of each."""
    job, rounds = (Job(2000, 600, 100), 1) if quick else (Job(5000, 1200, 200), 3)
    fleet = space.devices_file(imeis(job.devices - job.named, job.named))
    with Simulator(space.folder, devices=job.devices, licensed=job.devices - job.new, latency=latency) as simulator:
        script = [sys.executable, HERE / "sdk_script.py", simulator.base_url, ACCOUNT, fleet, BATCH]
        options: dict[str, t.Any] = {"devices_file": fleet, "batch_size": BATCH}
        command = shlex.join(map(str, script))
        ways: dict[str, t.Callable[[], Used]] = {
            "SDK script": lambda: space.run(script),
            "SDK script from a playbook": lambda: space.playbook("sdk.yml", simulator, command=command),
            "uri loops in a playbook": lambda: space.playbook("uri.yml", simulator, **options),
            "ours in a playbook": lambda: space.playbook("ours.yml", simulator, **options),
            "ours": lambda: space.module(simulator, **options),
        }
        runs: dict[str, list[Used]] = {name: [] for name in ways}
        requests: dict[str, int] = {}
        idles: list[float] = []
        empties: list[float] = []
        for _round in range(rounds):
            for name, way in ways.items():
                runs[name].append(_once(simulator, way, job))
                requests[name] = simulator.counts()[0]
            idles.append(space.playbook("empty.yml", simulator).wall)
            empties.append(space.empty().wall)
    idle, empty = min(idles), min(empties)
    walls = {name: min(one.wall for one in many) for name, many in runs.items()}
    for name, wall in walls.items():
        yield Row(NAME, name, f"{wall:.2f} s ({requests[name]} requests)")
    races: list[Row] = []
    races.append(
        faster(NAME, "in a playbook, against uri loops", walls["ours in a playbook"], walls["uri loops in a playbook"])
    )
    races.append(
        faster(NAME, "in a playbook, against the SDK", walls["ours in a playbook"], walls["SDK script from a playbook"])
    )
    races.append(faster(NAME, "without Ansible, against the SDK script", walls["ours"], walls["SDK script"]))
    # One small run on a busy machine says nothing about times.
    yield from (Row(NAME, one.what, one.measured) if quick else one for one in races)
    mixed = (
        f"{walls['SDK script'] / walls['ours in a playbook']:.1f} times as fast; an empty playbook takes {idle:.2f} s"
    )
    yield Row(NAME, "our playbook against the bare SDK script", mixed)
    work = min(one.result()["work"] for one in runs["SDK script"])
    yield Row(NAME, "work only: ours beyond the empty module", f"{walls['ours'] - empty:.2f} s")
    yield Row(NAME, "work only: SDK script after its imports", f"{work:.2f} s")
    yield Row(NAME, "work only: our playbook beyond an empty one", f"{walls['ours in a playbook'] - idle:.2f} s")
    yield Row(NAME, "work only: uri loops beyond an empty playbook", f"{walls['uri loops in a playbook'] - idle:.2f} s")


def _once(simulator: Simulator, way: t.Callable[[], Used], job: Job) -> Used:
    simulator.begin(reset=True)
    used = way()
    if len(simulator.licensed()) != job.devices:
        raise SystemExit(f"The job was not done: {used.output[-2000:]}")
    return used
