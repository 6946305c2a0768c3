# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that stop a plan before its first write. PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of C(module_utils/_plan/guards.py)."""

    DOCUMENTATION = r"""
options:
  max_changes:
    description:
      - How many devices the task may touch. If the plan touches more, the task fails and nothing is written.
    type: int
  max_removals:
    description:
      - How many licenses the task may take away, as a number (V(20)) or as a share of what the account holds (V(5%)).
      - If not given, an exact run may take away at most 30 % of what is held when more than 10 are held.
    type: str
  approved_plan:
    description:
      - Digest of a plan (RV(ignore:plan.digest)) that somebody looked at and approved. Exactly that plan is carried
        out, even if it exceeds O(max_changes), O(max_removals) or the reserve.
      - If the wanted devices or the account changed since, the task fails and nothing is written. When there is nothing
        left to do, the task succeeds.
    type: str
  expected_plan:
    description:
      - Digest of a plan (RV(ignore:plan.digest)) that was just made, for example by the same task in check mode. If the
        wanted devices or the account changed since, the task fails with RV(ignore:failure.code=plan_changed) and
        nothing is written.
      - Other than O(approved_plan) it lets no limit be exceeded.
    type: str
    version_added: 0.6.0
"""

    RESERVE = r"""
options:
  reserve:
    description:
      - How many licenses must stay free.
    type: int
    default: 0
"""

    WAVES = r"""
options:
  waves:
    description:
      - How many of the devices that change are done first, and then next, before all others. Each is a number (V(10))
        or a share of those that change (V(5%), rounded up), and counts all that are done by then, so V(10) and V(5%)
        are 10 devices, then as many as make it 5 %, then the rest.
      - After each wave but the last its devices are confirmed. If more than O(max_failures) are not as wanted, the
        others are not sent and the task fails with RV(ignore:failure.code=canary_failed).
      - Numbers must grow, and so must shares. A wave that is not larger than the one before falls away.
      - Limits, approval and consent are about the whole plan and are checked before the first wave. The plan's digest
        does not depend on the waves.
      - FOTA licenses are confirmed by reading the account back. C(simsec_license) waits for ThingSpace's reports, which
        needs O(ignore:journal) and O(ignore:wait=true).
    type: list
    elements: str
    version_added: 0.4.0
  max_failures:
    description:
      - How many devices of the waves so far may not be as wanted, as a number (V(2)) or as a share of them (V(5%),
        rounded down). If not given, none.
      - Those are devices that failed, that are unknown, that were not sent, or that were not confirmed in time.
    type: str
    version_added: 0.4.0
"""
