# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An account with SIM-Secure licenses that lives in memory, and the flows that a role runs over it, in this process."""

from __future__ import annotations

import contextlib
import datetime
import json
import math
import random
import sqlite3
import types
import typing as t
from pathlib import Path

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.thingspace.licensing.plugins.module_utils._client import client, stop
from ansible_collections.thingspace.licensing.plugins.module_utils._client.connection import CONNECTION_SPEC
from ansible_collections.thingspace.licensing.plugins.module_utils._client.response import Response
from ansible_collections.thingspace.licensing.plugins.module_utils._client.transport import Request
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import TransportError
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet import account as fleet_account
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.account_parts import Part, RunOptions, Wanted
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.from_files import from_files
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_make import changing
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.clock import age, ago, now
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.confirmation import Confirmation
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import open_journal
from ansible_collections.thingspace.licensing.plugins.module_utils._module import Context, Result, result_of
from ansible_collections.thingspace.licensing.plugins.module_utils._options import SIMSEC_LICENSE_SPEC
from ansible_collections.thingspace.licensing.plugins.module_utils._simsec import converge
from ansible_collections.thingspace.licensing.plugins.module_utils._simsec import wait as simsec_wait
from ansible_collections.thingspace.licensing.plugins.module_utils._simsec import watch as simsec_watch
from ansible_collections.thingspace.licensing.plugins.module_utils._undo import reversal
from ansible_collections.thingspace.licensing.plugins.module_utils._undo.changes import changes_of, pool_of
from ansible_collections.thingspace.licensing.plugins.module_utils._undo.history import Later
from ansible_collections.thingspace.licensing.plugins.module_utils._undo.moves import Former
from ansible_collections.thingspace.licensing.plugins.module_utils._undo.own_requests import RunWindow
from ansible_collections.thingspace.licensing.plugins.module_utils._undo.simsec import reverse_simsec
from ansible_collections.thingspace.licensing.tests.support.fakes import (
    ACCOUNT,
    BASE,
    CREDENTIALS,
    Clock,
    as_bytes,
    imei,
)
from ansible_collections.thingspace.licensing.tests.support.journals import never
from ansible_collections.thingspace.licensing.tests.support.records import run_account

FLEX, BUNDLE, TIERED = "SIMSec-IoT", "TS-BUNDLE-KTO-SIMSEC-MRC", "TSS-IOT-INTLG-TIERED-SIMSEC"
SKUS = (FLEX, BUNDLE, TIERED)
LISTENERS = "/m2m/v1/callbacks/"
LISTENER = {"serviceName": "CarrierService", "url": "https://callbacks.example.com/"}
WRITE, COUNT = "/m2m/v1/devices/license/actions/assign", "/m2m/v1/accounts/subscriptions/actions/list"

Json = dict[str, t.Any]
Wish = dict[int, tuple[str, str]]
"""For each SIM the SKU and the kind of id by which the fleet file names it; a SIM that is missing is to hold none."""


class Killed(BaseException):
    """What C(kill -9) does to a process."""


def iccid(number: int) -> str:
    """The id of the SIM of C(imei(number))."""
    return f"891480000000000{number:05}"


def before(written: str, seconds: int) -> str:
    """A time in the format of the journal, so many seconds earlier."""
    form = "%Y-%m-%dT%H:%M:%S.%fZ"
    return (datetime.datetime.fromisoformat(written[:-1] + "+00:00") - datetime.timedelta(seconds=seconds)).strftime(
        form
    )


def sim(device: str) -> int:
    """The SIM with this id of either kind."""
    return int(device[-5:])


class World:
    """ThingSpace as far as it is needed, a journal, and a fleet file.

    :param chance: decides about everything that is not decided by the caller.
    """

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.folder = folder
        self.chance = chance
        self.journal = folder / "journal.db"
        self.held: dict[str, set[int]] = {sku: set() for sku in SKUS}
        self.wish: Wish = {}
        self.settings: Json = {}
        self.bare: list[str] = []
        self.reports: list[Confirmation] = []
        self.slow: list[tuple[str, Json, str]] = []
        self.lose = self.slowly = False
        self.trouble = False
        self.hearing = True
        self.silent = False
        self.listener = True
        self.wait_timeout = 5
        self.requests = 0
        self.mark = ""
        self.names = 0
        self.parts: dict[str, Part] = {}
        self.runs: list[Json] = []
        (folder / "lists").mkdir(parents=True)

    # ThingSpace

    def play(self, _connection: t.Any, _mask: t.Any) -> World:
        """Take the place of the transport."""
        return self

    def close(self) -> None:
        """There is nothing to close."""

    def send(self, request: Request, _limit: float) -> Response:
        """See C(Exchange)."""
        path = request.url.removeprefix(BASE)
        if path == COUNT:
            return Response(request.operation, 200, {}, as_bytes({"subscriptionList": list(map(self._count, SKUS))}))
        if path.startswith(LISTENERS):
            return Response(request.operation, 200, {}, as_bytes([LISTENER] if self.listener else []))
        if path != WRITE:
            return Response(request.operation, 404, {}, as_bytes({"errorCode": "X"}))
        status, body = self._write(request.method, t.cast(Json, request.json))
        return Response(request.operation, status, {}, as_bytes(body))

    def _count(self, sku: str) -> Json:
        used = len(self.held[sku])
        row = {"skuNumber": sku, "licenseType": "Flexible", "licensePurchased": 99}
        return {**row, "licenseAssigned": used, "licenseAvailable": 99 - used}

    def _write(self, method: str, body: Json) -> tuple[int, Json]:
        fate = self.chance.choice(["done"] * 4 + ["refused", "lost", "unanswered", "killed", "killed after"])
        fate = fate if self.trouble else "lost" if self.lose else "done"
        # A slow change is a lost one to who sent it; to be slow is only dangerous for a removal.
        slow = method != "POST" and (self.slowly or (self.trouble and fate == "lost" and self.chance.random() < 0.7))
        fate = "unanswered" if slow else fate
        if fate == "refused":
            return 400, {"errorCode": "X", "errorMessage": "sorry"}
        if fate == "killed":
            raise Killed
        if fate != "lost":
            self.requests += 1
            ids = [device["deviceIds"][0] for device in body["devices"]]
            for one in ids:
                self._change(method, body["skuNumber"], one, f"r{self.requests}", slow=slow)
        if fate == "killed after":
            raise Killed
        if fate in ("lost", "unanswered"):
            raise TransportError("It broke.", code="connection_failed", in_doubt=True)
        return 200, {"requestId": f"r{self.requests}"}

    def _change(self, method: str, sku: str, one: Json, request_id: str, *, slow: bool = False) -> None:
        """Carry out a change of one SIM, or fail, and have that reported some time; earlier changes come first."""
        number = sim(one["id"])
        self.catch_up((sku, number))
        if slow:
            self.slow.append((sku, one, request_id))
            self._blame(sku, one, number in self.held[sku])
            return
        fails = self.trouble and self.chance.random() < 0.4
        status = "failed" if fails else "success"
        self.reports.append(Confirmation(request_id, ((one["kind"].lower(), one["id"]),), t.cast(t.Any, status), "why"))
        if fails:
            return
        if method == "POST":
            self.held[sku].add(number)
        else:
            did = number in self.held[sku]
            self.held[sku].discard(number)
            self._blame(sku, one, did)

    def _blame(self, sku: str, one: Json, did: bool) -> None:
        """Note who is left without a license by a removal that was sent, as soon as all is carried out."""
        number = sim(one["id"])
        going = {(slow, sim(other["id"])) for slow, other, _request_id in self.slow}
        left = [held for held, sims in self.held.items() if number in sims and (held, number) not in going]
        if did and number in self.wish and not left:
            self.bare.append(f"{one['id']} lost {sku} and is to hold {self.wish[number][0]}")

    def catch_up(self, only: tuple[str, int] | None = None) -> None:
        """Carry out the slow removals, of one license and SIM or all; their reports have ids that nobody knows."""
        for sku, one, request_id in list(self.slow):
            if only in (None, (sku, sim(one["id"]))):
                self.slow.remove((sku, one, request_id))
                self.held[sku].discard(sim(one["id"]))
                self.reports.append(Confirmation(request_id, ((one["kind"].lower(), one["id"]),), "success", "why"))

    def foreign(self, sku: str, kind: str, numbers: t.Iterable[int]) -> None:
        """Somebody with another journal assigns licenses; the receiver hears of it, like of all in the account."""
        for number in numbers:
            self.requests += 1
            self.catch_up((sku, number))
            self.held[sku].add(number)
            device = imei(number) if kind == "imei" else iccid(number)
            self.reports.append(Confirmation(f"x{self.requests}", ((kind, device),), "success", "why"))

    def report(self, share: float) -> None:
        """Let a share of the reports arrive, some of them twice, in any order; without a receiver they are lost."""
        if self.silent:
            return
        self.chance.shuffle(self.reports)
        count = math.ceil(len(self.reports) * share)
        now, self.reports = self.reports[:count], self.reports[count:]
        if self.hearing and now:
            with contextlib.closing(open_journal(str(self.journal), write=True, told=never)) as journal:
                journal.confirm(now + now[:1])

    def later(self, seconds: int = 7200) -> None:
        """Let time pass: what is known gets older. If less than none passes, the clock is set back."""
        for run in self.runs:
            for name in ("started", "ended"):
                run[name] = run[name] and before(run[name], seconds)
        if self.journal.exists():
            with contextlib.closing(sqlite3.connect(self.journal)) as db:
                columns = {"run": ("started", "ended"), "request": ("sent", "answered")}
                for table, names in {**columns, "entry": ("confirmed",), "callback": ("received",)}.items():
                    older = ", ".join(
                        f"{one} = strftime('%Y-%m-%dT%H:%M:%fZ', {one}, '{-seconds:+d} seconds')" for one in names
                    )
                    db.execute(f"UPDATE {table} SET {older}")
                db.commit()

    # What the role does

    def write(self, wish: Wish) -> None:
        """Write the fleet file."""
        self.wish = wish
        sets: dict[tuple[str, str], list[str]] = {}
        for number, (sku, kind) in wish.items():
            sets.setdefault((sku, kind), []).append(imei(number) if kind == "imei" else iccid(number))
        devices = [
            {"name": f"{sku} {kind}", "simsec": sku, "kind": kind, "ids": ids} for (sku, kind), ids in sets.items()
        ]
        text = json.dumps({"account": ACCOUNT, "simsec": self.settings, "devices": devices})
        (self.folder / "fleet.yml").write_text(text, encoding="utf-8")

    def plan(self) -> list[Json]:
        """Make the plan of the account; the parts that change something, in the role's order."""
        found = [_flat(part) for part in self.plan_values()["parts"] if "plan" in part["result"]]
        return [part for part in found if part["plan"]["assign"] + part["plan"]["remove"]]

    def plan_values(self, **retries: bool) -> Json:
        """Make the whole plan of the account."""
        planned = self._flow(lambda context: fleet_account.run(context, self._read), self._asked(**retries), check=True)
        assert planned.failure is None, planned.failure
        return planned.values

    def apply(self, planned: Json) -> Result:
        """Carry out a plan of the whole account in one process, as C(fleet_account) does."""
        more = {"planned": planned, "mark": f"1-{len(self.runs):016}", "approved": False, "only_wait": False}
        params = {**self._asked(), **more, "wait_timeout": self.wait_timeout}
        return self._flow(lambda context: fleet_account.run(context, self._read), params, check=False)

    def read_again(self) -> None:
        """What a real run does first: read the fleet file and the journal."""
        self._flow(self._only_read, self._asked(), check=False)

    def _only_read(self, context: Context) -> Result:
        self._read(context, RunOptions.of(context.params))
        return Result({})

    def _read(self, context: Context, run: RunOptions) -> Wanted:
        wanted = from_files(context, run)
        self.parts = {part.name: part for part in wanted.parts}
        return wanted

    def _asked(self, **retries: bool) -> Json:
        places = {"account": ACCOUNT, "src": [str(self.folder / "fleet.yml")], "reports": str(self.folder / "lists")}
        options = {**places, "journal": str(self.journal), "wait": True, "require_listener": None}
        return {**RunOptions._field_defaults, **options, "retry_failed": False, "retry_unknown": False, **retries}

    def rows(self, name: str) -> list[Json]:
        """What the plan reports of the devices of a list that are not simply as wanted."""
        return list(changing(str(self.folder / "lists" / ACCOUNT / f"plan-{name}.csv"), "files"))

    def carry_out(self, part: Json, *, wait: bool = True) -> Result:
        """What a real run does with a part of the plan."""
        item = part["item"]
        options = {
            "sku": item["sku"],
            "kind": item["kind"],
            "state": item["state"],
            "expected_plan": part["plan"]["digest"],
            "wait": wait,
            "wait_timeout": self.wait_timeout,
            "request_id": self._name(),
        }
        return self.license(self.parts[item["list"]].ready, **options)

    def _name(self) -> str | None:
        """The name of a request of the run that is at work, if one is."""
        self.names += 1
        return f"{self.mark}{self.names:010}" if self.mark else None

    def run(self, parts: list[Json], *, wait: bool, killed_at: int = 99) -> None:
        """What the role does with a plan, keeping a record of it; a kill ends it."""
        before = {number for held in self.held.values() for number in held}
        self.mark = f"1-{len(self.runs):016}"
        record: Json = {"started": now(), "ended": None, "mark": self.mark, "before": before, "parts": []}
        self.runs.append(record)
        try:
            self._run(record, parts, wait=wait, killed_at=killed_at)
        finally:
            self.mark = ""

    def _run(self, record: Json, parts: list[Json], *, wait: bool, killed_at: int) -> None:
        for part in parts:
            item, action = part["item"], "removed" if part["item"]["state"] == "absent" else "assigned"
            fixed = {"kind": "simsec", "sku": item["sku"], "id_kind": item["kind"], "lifetime": False}
            fresh = {"outcome": "unknown", "planned": action, "reason": "", "request_id": ""}
            rows = [{"device_id": one, **fresh} for one in self.parts[item["list"]].ready["devices"]]
            record["parts"].append({**fixed, "action": item["state"], "devices": rows})
        self.read_again()
        for number, (part, kept) in enumerate(zip(parts, record["parts"], strict=True)):
            if number == killed_at:
                raise Killed
            if part["item"]["list"] not in self.parts:
                continue
            result = self.carry_out(part, wait=wait)
            told = {row["device_id"]: row for row in result.values.get("devices", [])}
            for row in kept["devices"]:
                one = told.get(row["device_id"], {"outcome": "skipped", "request_id": ""})
                row.update(outcome=one["outcome"], request_id=one["request_id"])
            self.report(self.chance.choice([0.0, 0.3, 1.0]))
        record["ended"] = now()

    def undo(self, record: Json, *, wait: bool) -> None:
        """What the role does to undo a run of which this is the record, when nothing is known of later ones."""
        account = run_account({"account": ACCOUNT, "parts": record["parts"]})
        self.wish = dict.fromkeys(record["before"], ("anything", "imei"))
        changes = {pool_of(part): changes_of([part]) for part in account.parts}
        known = reversal.attempts_of(str(self.journal), ACCOUNT, changes, told=never)
        window = RunWindow(record["started"], record["ended"], ago(datetime.timedelta(hours=1)), record["mark"])
        found, _left = reverse_simsec(account, window, known, Later())
        former = Former(window, changes, known or {})
        for part in list(reversal.simsec_parts(account, found, former)):
            instead = [one._asdict() for one in part.replaced_by or ()]
            ready = {"devices": part.devices, "replaced_by": instead if part.state == "absent" else None}
            names = {"sku": part.sku, "kind": part.id_kind, "state": part.state, "wait": wait}
            self.license(ready, **names, retry_failed=True, wait_timeout=5)
            self.report(self.chance.choice([0.0, 0.3, 1.0]))

    def license(self, ready: t.Mapping[str, t.Any] | None = None, **options: t.Any) -> Result:
        """Run C(simsec_license), with options that were checked before."""
        fixed = {"account": ACCOUNT, "journal": str(self.journal), "report": "all", **options}
        given = {name: value for name, value in fixed.items() if value is not None}
        found = ArgumentSpecValidator(SIMSEC_LICENSE_SPEC).validate(given)
        assert not found.error_messages, found.error_messages
        return self._flow(converge.run, {**found.validated_parameters, **(ready or {})}, check=False)

    def _flow(self, run: t.Callable[[Context], Result], params: Json, *, check: bool) -> Result:
        connection = {name: spec.get("default") for name, spec in CONNECTION_SPEC.items()}
        tokens = {"access_token": "the-access-token", "session_token": "the-session-token"}
        own = {"base_url": BASE, "runtime_dir": "", "retries": 0, "max_concurrency": 1, **CREDENTIALS, **tokens}
        module = types.SimpleNamespace(
            params={**connection, **own, "progress_file": None, **params},
            check_mode=check,
            _diff=False,
            no_log_values=set(),
            warn=lambda _text: None,
        )
        context = Context(t.cast(t.Any, module))
        try:
            result = result_of(run, context)
        finally:
            context.stop.close()
        assert result.failure is None or result.failure.code != "internal_error", result.failure
        return result


def _flat(part: Json) -> Json:
    """A part of a plan, with the result of its module at the top."""
    state = part["result"]["plan"]["state"]
    item = {"sku": part["sku"], "kind": part["id_kind"], "state": state, "list": part["list"]}
    return {**part["result"], "item": item}


def in_memory(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the account in the place of ThingSpace. Reports arrive while somebody waits, which takes no time."""
    clock = Clock()
    began = clock.now

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        world.report(0.5)

    monkeypatch.setattr(client, "Transport", world.play)
    monkeypatch.setattr(stop.Stop, "sleep", lambda stop, seconds: clock.sleep(seconds))
    monkeypatch.setattr(simsec_watch, "age", lambda sent: age(sent) + clock.now - began)
    monkeypatch.setattr(simsec_wait.Waiting.__init__, "__defaults__", (sleep, clock, None))
