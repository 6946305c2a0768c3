# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many accounts that are as their fleet files want them: the files, an inventory, a journal, the simulator's seed."""

from __future__ import annotations

import json
import math
import sys
import typing as t

from processes import HERE, Workspace
from stand import FIRST_IMEI

SKU = "SIMSec-IoT"
PAGE = 1000
STEP = 100_000_000
"""From the devices of one account to those of the next, as in the simulator."""


class Estate:
    """Every device holds a FOTA license; nine tenths are named in a CSV file, the rest in the fleet file itself.

    :param everything: the rest also holds SIM-Secure licenses by a journal, and stands on the removal candidate list.
    """

    def __init__(self, space: Workspace, accounts: int, devices: int, *, everything: bool) -> None:
        self.names = [f"0000123456-{number:05}" for number in range(1, accounts + 1)]
        self._folder = space.fresh("estate")
        self._fleet = self._folder / "fleet"
        self._fleet.mkdir(parents=True)
        self._devices, self._special = devices, devices // 10
        self._everything = everything
        self.inventory = self._folder / "hosts.json"
        hosts: dict[str, t.Any] = {"thingspace_accounts": {"hosts": dict.fromkeys(self.names)}}
        self.inventory.write_text(json.dumps(hosts), encoding="utf-8")
        self.variables: dict[str, str] = {"fleet": str(self._fleet)}
        self.seed = {"accounts": [self._account(name, index) for index, name in enumerate(self.names)]}
        if everything:
            self._fill_journal(space)

    @property
    def pages(self) -> dict[str, int]:
        """By operation, the requests that reading every list of every account takes."""
        pages = {"fota_list": math.ceil(self._devices / PAGE)}
        if self._everything:
            # Pages by record number overlap by one record.
            pages |= {"candidates_list": max(1, math.ceil((self._special - 1) / (PAGE - 1))), "subscriptions_list": 1}
        return {operation: count * len(self.names) for operation, count in pages.items()}

    def _account(self, name: str, index: int) -> dict[str, t.Any]:
        """Write the fleet file of an account; returns the account as it has to be for that."""
        held = [str(FIRST_IMEI + index * STEP + number) for number in range(self._devices)]
        special = held[: self._special]
        lines = "".join(f"{device}\n" for device in ("imei", *held[self._special :]))
        (self._fleet / f"{name}.csv").write_text(lines, encoding="ascii")
        rest: dict[str, t.Any] = {"name": "the rest", "ids": special, "fota": True}
        seed: dict[str, t.Any] = {"name": name, "devices": self._devices, "licenses": self._devices}
        seed["subscription"] = {"license_count": self._devices}
        if self._everything:
            rest |= {"removal_candidate": True, "simsec": SKU}
            sku = {"sku": SKU, "license_type": "Flexible", "purchased": self._devices, "licenses": self._special}
            seed |= {"candidates": special, "skus": [sku]}
        sets = [{"name": "most", "file": f"{name}.csv", "column": "imei", "fota": True}, rest]
        text = json.dumps({"account": name, "devices": sets}, indent=1)
        (self._fleet / f"{name}.yml").write_text(text, encoding="utf-8")
        return seed

    def _fill_journal(self, space: Workspace) -> None:
        journal = self._folder / "journal.db"
        firsts = ",".join(str(FIRST_IMEI + index * STEP) for index in range(len(self.names)))
        options = (",".join(self.names), SKU, firsts, self._special, "confirmed")
        space.run([sys.executable, HERE / "fill_journal.py", journal, *options])
        self.variables["fleet_journal"] = str(journal)
