# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every SIM-Secure request of the role carries the mark of its run, by which an undo knows it."""

from __future__ import annotations

import hashlib
import re
import typing as t
from pathlib import Path

import jinja2
import pytest
import yaml

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.run_mark import new_mark
from ansible_collections.thingspace.licensing.plugins.module_utils._simsec.send import (
    request_id_problems,
    request_names,
)

TASKS = Path(__file__).parents[4] / "roles" / "fleet_licensing" / "tasks"
MODULE = "thingspace.licensing.simsec_license"


def tasks(found: t.Any) -> t.Iterator[t.Any]:
    """All tasks of a file, also those of blocks."""
    for task in found:
        yield task
        for name in ("block", "rescue", "always"):
            yield from tasks(task.get(name) or [])


def sending() -> list[t.Any]:
    """The tasks that send SIM-Secure requests; one that only waits may change nothing."""
    found = [task for path in TASKS.glob("*.yml") for task in tasks(yaml.safe_load(path.read_text(encoding="utf-8")))]
    named = [task for task in found if MODULE in task and not task.get("check_mode")]
    return [task for task in named if task[MODULE].get("max_changes") != 0]


def test_there_are_some() -> None:
    assert len(sending()) == 4


@pytest.mark.parametrize("task", sending(), ids=lambda task: task["name"])
def test_each_names_its_requests(task: t.Any) -> None:
    mark = new_mark()
    jinja = jinja2.Environment(autoescape=False)
    # As ansible-core has it.
    jinja.filters["hash"] = lambda text, kind: hashlib.new(kind, text.encode()).hexdigest()
    template = jinja.from_string(task[MODULE]["request_id"])
    names = [
        template.render(
            fleet_licensing_begun={"mark": mark},
            fleet_licensing_account=f"0000123456-{account:05}",
            item={"item": {"list": f"simsec-{one}", "remove_list": f"simsec-{one}-remove"}},
        )
        for account in range(20)
        for one in range(20)
    ]
    assert len(set(names)) == len(names), "the tasks of a run have names of their own"
    for name in names:
        assert re.fullmatch(re.escape(mark) + r"\d{10}", name)
        assert request_id_problems(name) == []
        for requests in (1, 2, 9999):
            assert next(request_names(name, requests)).startswith(mark)
