# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans for tests, made of what modules return in check mode."""

from __future__ import annotations

import typing as t

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.documents import Failure, as_json
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_account import PlanAccount
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_document import PlanDocument
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_make import make_account

Json = dict[str, t.Any]


def part(kind: str = "fota", sku: str = "", failure: Json | None = None, **counts: int) -> Json:
    """A part as it comes from a module."""
    result = {"plan": {"state": "exact", "digest": "d", **counts}, **({"failure": failure} if failure else {})}
    return {"kind": kind, "list": kind, "sku": sku, "lifetime": sku.endswith("-Lt"), "result": result}


def account(*parts: Json, name: str = "a", rows: t.Sequence[t.Any] = (), **more: t.Any) -> PlanAccount:
    """The plan of an account.

    :param rows: for each part its devices.
    """
    return make_account(name, "fleet.yml", "w", parts, rows or [[]] * len(parts))._replace(**more).judged()


def plan(*accounts: PlanAccount, failure: Failure | None = None) -> PlanDocument:
    """The plan of a run."""
    return PlanDocument("now", list(accounts), {}, failure=failure).sealed()


def resealed(document: Json) -> Json:
    """The plan in a file after somebody changed it and computed everything again that follows from its content."""
    return as_json(PlanDocument.from_json(document).sealed())
