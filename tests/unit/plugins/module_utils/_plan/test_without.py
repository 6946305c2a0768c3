# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan without the changes that the API would refuse."""

from __future__ import annotations

import typing as t

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._fota.rows import predict
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.plan import Pool, State, make_plan
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.waves import Waves, cut

NAMES = [f"{number:015}" for number in range(9)]
DEVICES = st.lists(st.sampled_from(NAMES), unique=True)
STATES: st.SearchStrategy[State] = st.sampled_from(t.get_args(State))


@given(STATES, DEVICES, DEVICES, DEVICES)
def test_every_device_is_accounted_for_once(
    state: State, wanted: list[str], held: list[str], refused: list[str]
) -> None:
    plan = make_plan({}, state, wanted, set(held), Pool(20, len(held)))
    less = plan.without(dict.fromkeys(refused, "no"), 3)
    sent, before = {*less.assign, *less.remove}, {*plan.assign, *plan.remove}
    assert sent == before - set(refused)
    kept = [device for device, _why in (*less.refused, *less.locked)]
    assert sorted([*sent, *kept]) == sorted(before)
    assert {device for device, _why in less.locked}.isdisjoint(wanted), "only what nobody named is left alone"
    assert (less.digest == plan.digest) == (not kept)
    rows = {row.device_id: row for row in predict(less, wanted).rows}
    assert rows.keys() == {*wanted, *before}
    assert {device for device, row in rows.items() if row.outcome == "skipped"} == {one for one, _why in less.refused}
    assert {device for device, row in rows.items() if row.outcome in ("assigned", "removed")} == sent
    waves = [device for part in cut(less, Waves((2,))) for device in (*part.assign, *part.remove)]
    assert sorted(waves) == sorted(sent)
    stopped = less.without({})._replace(unforeseen=0)
    assert stopped == less._replace(unforeseen=0)
