# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the return values that modules share into each module, because fragments cannot contain return values.

Run ``python tests/tools/write_returns.py`` after a change of ``SHARED``. A unit test fails if you forget it. Each
module says when a value is returned, and may add a sample if the table has none.
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
    - Why the task failed. Playbooks can test C(code), which is stable. C(message) is the text of C(msg). For other keys
      see L(error codes,https://github.com/thingspace-licensing/thingspace.licensing/blob/main/docs/errors.md).
  returned: ...
  type: dict
licenses:
  description:
    - The pool after the task. C(total) licenses are purchased, devices hold C(assigned), and C(available) are free. A
      number is V(none) if ThingSpace does not return it.
  returned: ...
  type: dict
  sample: {total: 1000, assigned: 248, available: 752}
requests:
  description:
    - Number of requests C(sent), including logins and repetitions, of repetitions (C(retried)), and of answers with
      HTTP 429 (C(throttled)). C(throttled_seconds) is the time that all threads together waited for the rate limit.
  returned: ...
  type: dict
  sample: {sent: 12, retried: 1, throttled: 1, throttled_seconds: 2.5}
summary:
  description: Number of devices for each outcome. Every outcome is a key.
  returned: ...
  type: dict
"""


def renewed(module: str) -> str:
    """The text of a module with new shared values."""
    before, start, rest = module.partition('\nRETURN = r"""\n')
    text, end, after = rest.partition('"""\n')
    return before + start + "".join(map(_renewed, _values(text))) + end + after


def _values(text: str) -> list[str]:
    return re.split(r"^(?=\w)", text, flags=re.MULTILINE)


def _renewed(value: str) -> str:
    """A shared value, or the same value if only its name is shared: then its type differs."""
    shared = _SHARED.get(value.partition(":")[0])
    if shared is None or _part("type", shared) != _part("type", value):
        return value
    made = shared.replace(_part("returned", shared), _part("returned", value))
    return made if _part("sample", made) else made + _part("sample", value)


def _part(name: str, value: str) -> str:
    found = re.search(rf"^  {name}:.*\n(?:    .*\n)*", value, re.MULTILINE)
    return found[0] if found else ""


_SHARED = {value.partition(":")[0]: value for value in _values(SHARED)}

if __name__ == "__main__":
    for path in MODULES:
        path.write_text(renewed(path.read_text(encoding="utf-8")), encoding="utf-8")
