# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every form of answer to every write, executed or not, judged by what the server executed.

Nothing is executed twice; what was executed is never called skipped, failed or not sent; C(changed) is honest; and a
second run finishes the work without sending again what may have been executed.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.modules import (
    callback,
    fota_license,
    simsec_license,
    swm_removal_candidates,
)
from ansible_collections.thingspace.licensing.tests.hostile.conftest import Start
from ansible_collections.thingspace.licensing.tests.support import hostile_forms as forms
from ansible_collections.thingspace.licensing.tests.support.hostile_server import (
    FLEX,
    LIFETIME,
    Account,
    Ambush,
    Form,
    Server,
)
from ansible_collections.thingspace.licensing.tests.support.module_runner import Run

DEVICES = [f"99000000000000{number}" for number in range(3)]
OTHERS = [f"99000000000001{number}" for number in range(3)]
SURE = {"assigned", "removed", "added", "accepted"}
SLOW = ("late", "dripping")


class Write(t.NamedTuple):
    """One kind of write.

    :param operation: the server's name of it.
    :param done: whether the server has it as wanted for a device.
    :param prepare: puts the account into the state that needs it.
    :param asynchronous: whether nothing can be read back.
    """

    operation: str
    main: t.Callable[[], None]
    options: dict[str, t.Any]
    done: t.Callable[[Server, str], bool]
    prepare: t.Callable[[Server], None] = lambda _server: None
    asynchronous: bool = False


def _licensed(server: Server) -> None:
    server.account.fota = dict.fromkeys([*DEVICES, *OTHERS], "2026-01-01T00:00:00.000Z")


def _listed(server: Server) -> None:
    _licensed(server)
    server.account.candidates = [*DEVICES, *OTHERS]


def _assigned(server: Server) -> None:
    server.account.simsec = [("assign", FLEX, device) for device in [*DEVICES, *OTHERS]]


def _unassigned(server: Server, device: str) -> bool:
    return ("remove", FLEX, device) in server.account.simsec


def _asked(server: Server, device: str) -> bool:
    return any(which == device for _action, _sku, which in server.account.simsec)


def _is_listed(server: Server, device: str) -> bool:
    return device in server.account.candidates


def _is_off_the_list(server: Server, device: str) -> bool:
    return device not in server.account.candidates


def _is_licensed(server: Server, device: str) -> bool:
    return device in server.account.fota


def _is_unlicensed(server: Server, device: str) -> bool:
    return device not in server.account.fota


LIFELONG = {"sku": LIFETIME, "state": "present", "lifetime_consent": 3}
GONE = {"state": "absent"}
ALL_GONE = {"state": "absent", "devices": [*DEVICES, *OTHERS]}
LIST = swm_removal_candidates.main
WRITES = {
    "fota assign": Write("fota_assign", fota_license.main, {"state": "present"}, _is_licensed),
    "fota remove": Write("fota_remove", fota_license.main, GONE, _is_unlicensed, _licensed),
    "lifetime assign": Write("simsec_assign", simsec_license.main, LIFELONG, _asked, asynchronous=True),
    "flex remove": Write("simsec_remove", simsec_license.main, {"sku": FLEX, **GONE}, _unassigned, _assigned, True),
    "candidates append": Write("candidates_write", LIST, {"state": "present"}, _is_listed, _licensed),
    "candidates rewrite": Write("candidates_write", LIST, GONE, _is_off_the_list, _listed),
    "candidates delete": Write("candidates_delete", LIST, ALL_GONE, _is_off_the_list, _listed),
}


UNCLEAR = {**forms.BROKEN, **forms.ODD}


@pytest.fixture
def start(runner: Start, server: Server, tmp_path: Path) -> t.Callable[[Write], Run]:
    def prepared(write: Write) -> Run:
        write.prepare(server)
        options = {"devices": DEVICES, "report": "all", **write.options}
        if write.asynchronous:
            options.update(journal=str(tmp_path / "journal.sqlite"), settle_time=0)
        return runner(write.main, **options)

    return prepared


def _meet(server: Server, write: Write, form: Form, name: str, *, executed: bool) -> dict[str, t.Any]:
    server.ambush = Ambush(write.operation, form, executed)
    return {"timeout": 0.5} if name in SLOW else {}


def _check(server: Server, write: Write, result: dict[str, t.Any], before: list[t.Any] | None = None) -> None:
    """What holds whatever the server does.

    :param before: what had been executed when the run began.
    """
    assert result.get("failure", {}).get("code") not in ("internal_error", "invalid_options"), result
    assert len(server.executed) == len(set(server.executed)), "nothing is sent and executed twice"
    rows = {row["device_id"]: row for row in result.get("devices", ())}
    for device in write.options.get("devices", DEVICES):
        row = rows[device]
        if write.done(server, device):
            assert row["outcome"] not in ("skipped", "failed"), row
            assert "not sent" not in row["reason"], row
        else:
            assert row["outcome"] not in SURE, row
    doubtful = result["summary"]["unknown"]
    assert result["changed"] is (server.executed != (before or [])) or (result["changed"] and doubtful), result


@pytest.mark.parametrize("executed", [True, False], ids=["executed", "not executed"])
@pytest.mark.parametrize("form", UNCLEAR)
@pytest.mark.parametrize("kind", WRITES)
def test_what_proves_nothing(
    server: Server, start: t.Callable[[Write], Run], kind: str, form: str, executed: bool
) -> None:
    write = WRITES[kind]
    run = start(write)
    limits = _meet(server, write, UNCLEAR[form], form, executed=executed)
    result = run(**limits)
    _check(server, write, result)
    before = list(server.executed)
    if write.asynchronous:
        assert {row["outcome"] for row in result["devices"]} == {"unknown"}
        assert server.count(write.operation) == 1, "never repeated in the same task"
        # The count tells what became of it. That a lifetime license was not assigned is never taken as proved.
        again = run()
        _check(server, write, again, before)
        known = "unchanged" if executed else "unknown" if kind == "lifetime assign" else "accepted"
        assert {row["outcome"] for row in again["devices"]} == {known}
    else:
        again = run()
        assert not again.get("failed"), again
        assert all(write.done(server, device) for device in write.options.get("devices", DEVICES))
        assert len(server.executed) == len(set(server.executed)) == 1, "in the end it is done, and once"


THREE = pytest.mark.parametrize("kind", ["fota assign", "lifetime assign", "candidates append"])


def _anew(server: Server, tmp_path: Path) -> None:
    server.account, server.executed, server.asked = Account(), [], []
    for kept in tmp_path.glob("journal*"):
        kept.unlink()


@pytest.mark.parametrize("executed", [True, False], ids=["executed", "not executed"])
@THREE
def test_a_refusal_that_is_not_whole(
    server: Server, start: t.Callable[[Write], Run], tmp_path: Path, kind: str, executed: bool
) -> None:
    """An answer proves a refusal only if it is complete and well-formed, whatever its status says."""
    write = WRITES[kind]
    for form, data in forms.RAGGED.items():
        _anew(server, tmp_path)
        run = start(write)
        _meet(server, write, forms.send(data), form, executed=executed)
        result = run()
        assert server.ambush is not None
        assert server.ambush.met == 1, result
        _check(server, write, result)
        if executed or kind != "fota assign":
            assert server.count(write.operation) == 1, form
        if write.asynchronous:
            assert {row["outcome"] for row in result["devices"]} == {"unknown"}, form
        elif executed:
            assert {row["outcome"] for row in result["devices"]} <= SURE, form
        else:
            # What reading shows as not done is unknown, or it is sent once more.
            assert {row["outcome"] for row in result["devices"]} <= {"unknown", "assigned"}, form


@THREE
def test_what_proxies_send_proves_a_refusal(
    server: Server, start: t.Callable[[Write], Run], tmp_path: Path, kind: str
) -> None:
    write = WRITES[kind]
    for form, data in {**forms.AGAIN_BY_PROXIES, **forms.REFUSED_BY_PROXIES}.items():
        _anew(server, tmp_path)
        run = start(write)
        _meet(server, write, forms.send(data), form, executed=False)
        result = run()
        _check(server, write, result)
        outcomes = {row["outcome"] for row in result["devices"]}
        again = form in forms.AGAIN_BY_PROXIES
        assert server.count(write.operation) == 1 + again, (form, result)
        assert outcomes <= SURE if again else outcomes == {"failed"}, (form, result)


@pytest.mark.parametrize("form", forms.GOOD)
@pytest.mark.parametrize("kind", WRITES)
def test_what_says_that_it_was_done(server: Server, start: t.Callable[[Write], Run], kind: str, form: str) -> None:
    write = WRITES[kind]
    run = start(write)
    _meet(server, write, forms.GOOD[form], form, executed=True)
    result = run()
    _check(server, write, result)
    assert not result.get("failed"), result
    assert {row["outcome"] for row in result["devices"]} <= SURE
    assert not any(ord(char) < 32 or 0xD800 <= ord(char) < 0xE000 for char in str(result))
    assert not run().get("failed")
    assert server.count(write.operation) == 1


@pytest.mark.parametrize("form", forms.REFUSING)
@pytest.mark.parametrize("kind", WRITES)
def test_what_proves_a_refusal(server: Server, start: t.Callable[[Write], Run], kind: str, form: str) -> None:
    write = WRITES[kind]
    run = start(write)
    _meet(server, write, forms.REFUSING[form], form, executed=False)
    assert server.ambush is not None
    server.ambush.times = 0
    result = run()
    assert result["failed"]
    _check(server, write, result)
    assert not result["changed"]
    assert {row["outcome"] for row in result["devices"]} <= {"failed", "skipped", "unchanged"}
    server.ambush = None
    assert not run(**({"retry_failed": True} if write.asynchronous else {})).get("failed")
    assert len(server.executed) == len(set(server.executed)) == 1


@pytest.mark.parametrize("form", forms.PASSING)
@pytest.mark.parametrize("kind", WRITES)
def test_what_may_be_sent_again_at_once(server: Server, start: t.Callable[[Write], Run], kind: str, form: str) -> None:
    write = WRITES[kind]
    run = start(write)
    _meet(server, write, forms.PASSING[form], form, executed=False)
    result = run()
    assert not result.get("failed"), result
    _check(server, write, result)
    assert server.count(write.operation) == 2


LISTENER = {"service": "DeviceService", "url": "https://a.test/new"}


@pytest.mark.parametrize("executed", [True, False], ids=["executed", "not executed"])
@pytest.mark.parametrize("form", UNCLEAR)
@pytest.mark.parametrize("operation", ["callback_register", "callback_remove"])
def test_listeners(server: Server, runner: Start, operation: str, form: str, executed: bool) -> None:
    registering = operation == "callback_register"
    if not registering:
        server.account.listeners["DeviceService"] = {"serviceName": "DeviceService", "url": "https://a.test/old"}
    options = LISTENER if registering else {"service": "DeviceService", "state": "absent"}
    run = runner(callback.main, **options)
    server.ambush = Ambush(operation, UNCLEAR[form], executed)
    result = run(**({"timeout": 0.5} if form in SLOW else {}))
    assert result.get("failure", {}).get("code") not in ("internal_error", "invalid_options"), result
    assert server.executions(operation, "DeviceService") <= 1
    assert result["changed"] is bool(server.executed)
    assert not run().get("failed")
    assert ("DeviceService" in server.account.listeners) is registering
    assert server.executions(operation, "DeviceService") == 1


def _second_row(**other: t.Any) -> Form:
    def change(good: bytes) -> bytes:
        value = forms.json.loads(good)
        value["deviceList"][1].update(other)
        return forms.json.dumps(value).encode()

    return forms.around(forms.OK, change)


@pytest.mark.parametrize("executed", [True, False], ids=["executed", "not executed"])
@pytest.mark.parametrize(
    "row",
    [
        {"status": "NoSuccess"},
        {"status": "Unsuccess"},
        {"status": "LicenseRemoveSuccess"},
        {"status": "success?"},
        {"status": "NoFailure"},
        {"status": None},
        {"status": 1},
        {"status": "Success", "resultReason": "Device does not exist."},
        {"status": "Success", "resultReason": "Internal error."},
    ],
    ids=str,
)
def test_what_says_nothing_about_a_device(server: Server, runner: Start, row: dict[str, t.Any], executed: bool) -> None:
    run = runner(fota_license.main, devices=DEVICES, report="all")
    server.ambush = Ambush("fota_assign", _second_row(**row), executed)
    result = run()
    outcomes = {found["device_id"]: found["outcome"] for found in result["devices"]}
    assert (outcomes[DEVICES[1]] == "assigned") is (DEVICES[1] in server.account.fota), "reading settles it"
    assert outcomes[DEVICES[1]] in ("assigned", "unknown")
    assert result["changed"]
    assert server.executions("fota_assign", DEVICES[1]) == executed
