# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the return values that modules share into each module, because fragments cannot contain return values.

Run ``make generated`` after a change of ``SHARED``. A unit test fails if you forget it. A module says when a value is
returned. It may add items to the description, the release that added the value, and a sample if the table has none.
"""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]
MODULES = sorted((HERE / "plugins" / "modules").glob("*.py"))

SHARED = """\
devices_left_out:
  description: Number of rows left out of RV(devices). Failed and unknown devices are left out last.
  returned: ...
  type: int
failure:
  description:
    - Why the task failed, see
      L(error codes,https://github.com/thingspace-licensing/thingspace.licensing/blob/main/docs/errors.md).
  returned: ...
  type: dict
  contains:
    code: {type: str, description: The stable code that playbooks can test.}
    message: {type: str, description: The text of C(msg).}
licenses:
  description:
    - The pool of licenses. A number is V(none) if ThingSpace does not return it.
  returned: ...
  type: dict
  contains:
    total: {type: int, description: Purchased licenses.}
    assigned: {type: int, description: Licenses that devices hold.}
    available: {type: int, description: Free licenses.}
  sample: {total: 1000, assigned: 248, available: 752}
requests:
  description:
    - The requests of the task.
  returned: ...
  type: dict
  contains:
    sent: {type: int, description: "Requests sent, including logins and repetitions."}
    retried: {type: int, description: Repeated requests.}
    throttled: {type: int, description: Answers with HTTP 429.}
    throttled_seconds: {type: float, description: "Seconds spent waiting for the rate limit, in all threads together."}
  sample: {sent: 12, retried: 1, throttled: 1, throttled_seconds: 2.5}
summary:
  description: Number of devices for each outcome. Every outcome is a key.
  returned: ...
  type: dict
"""

OTHERS = {("fleet_plan", "summary"), ("fleet_run", "summary")}
"""Values of modules that have the name of a shared value and another meaning."""


def renewed(name: str, module: str) -> str:
    """The text of the module with the name, with new shared values."""
    before, start, rest = module.partition('\nRETURN = r"""\n')
    text, end, after = rest.partition('"""\n')
    return before + start + "".join(_renewed(name, value) for value in values(text)) + end + after


def values(text: str) -> list[str]:
    """The values in a text of return values, each with all its lines."""
    return re.split(r"^(?=\w)", text, flags=re.MULTILINE)


def _renewed(module: str, value: str) -> str:
    name = value.partition(":")[0]
    shared = _SHARED.get(name)
    if shared is None or (module, name) in OTHERS:
        return value
    if _part("type", value) != _part("type", shared):
        raise ValueError(f"{module}: {name} has another type than in SHARED: rename it, or add it to OTHERS")
    description = _part("description", shared)
    own = re.split(r"^(?=    - )", _part("description", value), flags=re.MULTILINE)[2:]
    made = shared.replace(description, description + "".join(own))
    made = made.replace(_part("returned", shared), _part("returned", value))
    made += _part("version_added", value)
    return made if _part("sample", made) else made + _part("sample", value)


def _part(name: str, value: str) -> str:
    found = re.search(rf"^  {name}:.*\n(?:    .*\n)*", value, re.MULTILINE)
    return found[0] if found else ""


_SHARED = {value.partition(":")[0]: value for value in values(SHARED)}

if __name__ == "__main__":
    for path in MODULES:
        path.write_text(renewed(path.stem, path.read_text(encoding="utf-8")), encoding="utf-8")
