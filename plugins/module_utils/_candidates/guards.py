# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Limits that stop a change of the removal candidate list before its first write.

A change of the list does not remove a license by itself, so there are no default limits.
"""

from __future__ import annotations

from .._plan.guards import Limits, Tripped, stop_unless_allowed
from .plan import CandidatesPlan


def enforce_candidates(plan: CandidatesPlan, limits: Limits) -> None:
    """Stop a plan that is not the approved one, or that exceeds a limit without being approved.

    :raises LicensingError: C(plan_changed) or C(guard_tripped); nothing was written.
    """
    if plan.needed:
        stop_unless_allowed(plan.digest, _tripped_by(plan, limits), limits)


def _tripped_by(plan: CandidatesPlan, limits: Limits) -> list[Tripped]:
    found: list[Tripped] = []
    if limits.max_changes is not None and plan.changes > limits.max_changes:
        text = f"it changes {plan.changes} devices, 'max_changes' allows {limits.max_changes}"
        found.append(Tripped("max_changes", plan.changes, limits.max_changes, text))
    removals, why = limits.max_removals, "'max_removals'"
    if isinstance(removals, float):
        why = f"'max_removals' ({removals * 100:.4g} % of {len(plan.live)} listed)"
        removals = int(removals * len(plan.live) + 1e-9)
    if removals is not None and len(plan.remove) > removals:
        text = f"it takes {len(plan.remove)} devices off the list, {why} allows {removals}"
        found.append(Tripped("max_removals", len(plan.remove), removals, text))
    return found
