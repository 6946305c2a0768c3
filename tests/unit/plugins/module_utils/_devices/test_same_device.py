# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One SIM by two spellings of its ICCID: it never loses the license that it is to hold, and that is told."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._devices.same_device import Spellings
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.rows import Scope
from ansible_collections.thingspace.licensing.plugins.module_utils._simsec.moves import Instead, Losing, kept
from ansible_collections.thingspace.licensing.tests.support import simsec_world
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, imei, imeis
from ansible_collections.thingspace.licensing.tests.support.simsec_world import BUNDLE, FLEX, World, in_memory

WHOLE = "89148000000000000073"
SHORT = WHOLE[:-1]
IMEI, SPARE = "990000000000077", "990000000000070"
PAIRS = [
    (WHOLE, SHORT),
    (SHORT, WHOLE),
    ("00" + WHOLE[:18], WHOLE[:18]),
    (WHOLE[:18], "0" + WHOLE[:18]),
    ("0" + WHOLE[:18], SHORT),
    (IMEI, SPARE),
    (SPARE, IMEI),
]


@pytest.mark.parametrize(("known", "named"), PAIRS)
def test_other_spellings(known: str, named: str) -> None:
    assert Spellings([*imeis(3), named]).other(known) == named
    assert Spellings([known]).other(known) == ""


def test_ids_that_somebody_made_up() -> None:
    """What else is known shows it."""
    assert Spellings([imei(0)]).other(imei(2)) == imei(0)
    assert Spellings([imei(0)], imeis(3)).other(imei(2)) == ""


def test_others_are_others() -> None:
    """The next SIM differs in the digit before the last, and the next IMEI that somebody made up in the last."""
    spellings = Spellings([WHOLE, *imeis(5)])
    assert [
        spellings.other(device) for device in (WHOLE[:-1] + "4", WHOLE[:-2] + "83", SHORT[:-1] + "8", imeis(6)[5])
    ] == [""] * 4


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(tmp_path, random.Random(1))
    in_memory(world, monkeypatch)
    monkeypatch.setattr(simsec_world, "sim", lambda _device: 7)
    return world


def wants(world: World, sku: str, device: str) -> None:
    kind = "imei" if len(device) == len(IMEI) else "iccid"
    world.wish = {7: (sku, kind)}
    entry = {"name": "a", "simsec": sku, "kind": kind, "ids": [device]}
    text = json.dumps({"account": ACCOUNT, "simsec": {}, "devices": [entry]})
    (world.folder / "fleet.yml").write_text(text, encoding="utf-8")


def go_on(world: World) -> None:
    for _run in range(3):
        world.run(world.plan(), wait=False)
        world.report(1.0)
        world.later(100)


@pytest.mark.slow
@pytest.mark.parametrize("sku", [FLEX, BUNDLE])
@pytest.mark.parametrize(("known", "named"), PAIRS)
def test_a_sim_that_the_file_spells_differently(
    world: World, monkeypatch: pytest.MonkeyPatch, known: str, named: str, sku: str
) -> None:
    """The same license is not taken away, nor the old one of a SIM that moves, nor by an undo."""
    wants(world, FLEX, known)
    go_on(world)
    assert world.held[FLEX] == {7}
    wants(world, sku, named)
    before = len(world.runs)
    go_on(world)
    assert (world.bare, world.held[FLEX], world.held[sku]) == ([], {7}, {7})
    warned: list[str] = []
    monkeypatch.setattr(
        "ansible_collections.thingspace.licensing.plugins.module_utils._module.Context.warn",
        lambda _context, text: warned.append(text),
    )
    (row,) = world.plan_values()["incomplete"]
    assert row["device_id"] == known
    assert named in row["reason"]
    assert any(f"{known} and {named}" in text for text in warned)
    world.undo(world.runs[before], wait=False)
    world.report(1.0)
    assert (world.bare, world.held[FLEX]) == ([], {7})


def test_the_removing_task_looks_itself() -> None:
    losing = Losing(Scope(ACCOUNT, FLEX, "iccid"), [WHOLE, WHOLE[:-2] + "83"])
    found = kept(losing, [Instead(Scope(ACCOUNT, BUNDLE, "iccid"), frozenset([SHORT]))], lambda _scope: {})
    assert list(found) == [WHOLE]
    assert SHORT in found[WHOLE]
