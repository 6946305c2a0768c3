# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that stop a plan before its first write. PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of C(module_utils/_guards.py)."""

    DOCUMENTATION = r"""
options:
  max_changes:
    description:
      - How many devices the task may touch. If the plan touches more, the task fails and nothing is written.
    type: int
  max_removals:
    description:
      - How many licences the task may take away, as a number (V(20)) or as a share of what the account holds (V(5%)).
      - If not given, an exact run may take away at most 30 % of what is held when more than 10 are held.
    type: str
  approved_plan:
    description:
      - Digest of a plan (RV(ignore:plan.digest)) that somebody looked at and approved. Exactly that plan is carried
        out, even if it exceeds O(max_changes), O(max_removals) or the reserve.
      - If the wanted devices or the account changed since, the task fails and nothing is written. When there is nothing
        left to do, the task succeeds.
    type: str
"""

    RESERVE = r"""
options:
  reserve:
    description:
      - How many licences must stay free.
    type: int
    default: 0
"""
