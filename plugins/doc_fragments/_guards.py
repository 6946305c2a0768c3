# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that stop a plan before its first write. PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of C(GUARD_SPEC), C(RESERVE_SPEC), and C(WAVES_SPEC) in C(module_utils/_options.py)."""

    DOCUMENTATION = r"""
options:
  max_changes:
    description:
      - How many devices the task may change. If the plan changes more, the task fails and nothing is written.
    type: int
  max_removals:
    description:
      - How many licenses the task may remove, as a number (V(20)) or as a percentage of the held licenses (V(5%)).
      - By default, a run with C(state=exact) may remove at most 30 % of the held licenses, if more than 10 are held.
    type: str
  approved_plan:
    description:
      - Digest of an approved plan (RV(ignore:plan.digest)). Exactly that plan is carried out, even if it exceeds
        O(max_changes), O(max_removals), or the reserve.
      - If the wanted devices or the account have changed since, the task fails and nothing is written. If there is
        nothing left to do, the task succeeds.
    type: str
  expected_plan:
    description:
      - Digest of a plan (RV(ignore:plan.digest)) that was just made, for example by the same task in check mode. If the
        wanted devices or the account have changed since, the task fails with RV(ignore:failure.code=plan_changed) and
        nothing is written.
      - Unlike O(approved_plan), it does not allow exceeding limits.
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
      - How many of the changing devices are done in total after each wave, before all others. Each entry is a number
        (V(10)) or a percentage of the changing devices (V(5%), rounded up). For example, V(10) and V(5%) mean 10
        devices, then as many as make 5 % in total, then the rest.
      - After each wave except the last, its devices are confirmed. If more than O(max_failures) did not reach the
        wanted state, the others are not sent and the task fails with RV(ignore:failure.code=canary_failed).
      - Numbers must increase, and so must percentages. A wave that is not larger than the previous one is dropped.
      - Limits, approval, and consent apply to the whole plan and are checked before the first wave. The digest of the
        plan does not depend on the waves.
      - FOTA licenses are confirmed by reading the account back. C(simsec_license) waits for ThingSpace's reports, which
        needs O(ignore:journal) and O(ignore:wait=true).
    type: list
    elements: str
    version_added: 0.4.0
  max_failures:
    description:
      - How many devices of the waves so far may miss the wanted state, as a number (V(2)) or as a percentage of them
        (V(5%), rounded down). The default is none.
      - These are devices that failed, are unknown, were not sent, or were not confirmed in time.
    type: str
    version_added: 0.4.0
"""
