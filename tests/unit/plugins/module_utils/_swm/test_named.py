# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What v3 says about named devices: all of it, or nothing that could be wrong."""

from __future__ import annotations

import threading
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._client.client import Client
from ansible_collections.thingspace.licensing.plugins.module_utils._client.page import Page
from ansible_collections.thingspace.licensing.plugins.module_utils._client.runtime_dir import MemoryStore
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import (
    ApiError,
    LicensingError,
    TransportError,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._progress import Progress
from ansible_collections.thingspace.licensing.plugins.module_utils._swm import named
from ansible_collections.thingspace.licensing.plugins.module_utils._swm.device_list import DeviceList
from ansible_collections.thingspace.licensing.plugins.module_utils._swm.facts import Facts
from ansible_collections.thingspace.licensing.plugins.module_utils._swm.missing import PROOFS
from ansible_collections.thingspace.licensing.plugins.module_utils._swm.named import NamedDevices
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, imei, imeis

Value = dict[str, t.Any]
Edit = t.Callable[[Value], "Value | None"]

STRANGERS = [f"{900_000_000_000_000 + number}" for number in range(999, 1499)]
STRANGER = STRANGERS[0]
SIZE = 10
"""Devices on a page of a list."""


class Server:
    """Answers for named devices; a test may edit the answers."""

    max_concurrency = 4
    host = "api.test"

    def __init__(self, held: t.Iterable[str] = (), most: int = 1000, edit: Edit = lambda value: value) -> None:
        self.held, self.most, self.edit = set(held), most, edit
        self.protocols: tuple[str, ...] = ()
        self.says_unknown = False
        self.refused_protocols: dict[str, int] = {}
        self.there: set[str] | None = set()
        self.own_cursors = False
        self.pages: list[str] = []
        self.asked: list[list[str]] = []
        self.store = MemoryStore()
        self.progress = Progress()
        self._lock = threading.Lock()

    @staticmethod
    def mask(text: str) -> str:
        return text

    def query(self, operation: str, path: str, body: Value) -> Value | None:
        """One answer."""
        start, _query, protocol = path.partition("?protocol=")
        assert start == f"/fota/v3/devices/{ACCOUNT}"
        ids = list(body["deviceList"])
        with self._lock:
            self.asked.append(ids)
        if protocol in self.refused_protocols:
            raise ApiError("no such protocol", code="api_rejected", status=self.refused_protocols[protocol])
        page = sorted(ids)[: self.most]
        rows = [
            self.row(device, known=self.means(protocol, device))
            for device in page
            if self.says_unknown or self.means(protocol, device)
        ]
        more = {"hasMoreData": True} if len(ids) > self.most else {}
        return self.edit({"deviceCount": len(rows), "deviceList": rows, **more})

    def means(self, protocol: str, device: str) -> bool:
        """Whether an answer names the device."""
        return not self.protocols or (protocol or "LWM2M") == self.protocols[int(device) % len(self.protocols)]

    def row(self, device: str, *, known: bool) -> Value:
        """What is said of a device."""
        if device in STRANGERS or not known:
            return {"deviceId": device, "requestStatus": "Failure", "resultReason": "Device does not exist."}
        return {"deviceId": device, "requestStatus": "Success", "licenseAssigned": device in self.held}

    def after(self, cursor: str, devices: t.Collection[str]) -> tuple[list[str], bool]:
        """A page of a list, and whether more follow."""
        if self.own_cursors and cursor != "0" and cursor not in self.pages:
            raise ApiError("no", code="api_rejected", status=400, api_message="LastSeenDeviceId Not Valid")
        rest = sorted(device for device in devices if cursor in ("0", "") or device > cursor)
        self.pages.append(rest[SIZE - 1] if len(rest) > SIZE else "")
        return rest[:SIZE], len(rest) > SIZE

    def get(self, operation: str, path: str) -> Value:
        """A page of the list of devices."""
        if self.there is None:
            raise ApiError("no such call", code="api_rejected", status=404)
        page, more = self.after(path.removeprefix(f"/fota/v3/devices/{ACCOUNT}?lastSeenDeviceId="), self.there)
        rows = [{"deviceId": device, "licenseAssigned": device in self.held} for device in page]
        return {"hasMoreData": more, "lastSeenDeviceId": page[-1] if page else "0", "deviceList": rows}

    def holders(self, cursor: str) -> Page:
        """A page of the list of licensed devices."""
        page, more = self.after(cursor, self.held)
        return Page([(device, "") for device in page], None, None, more, page[-1] if page else "0", None)

    def named(self, version: t.Literal["v1", "v2", "v3"] = "v3") -> NamedDevices:
        """The real reader over this server."""
        client = t.cast(Client, self)
        return NamedDevices(client, ACCOUNT, version, DeviceList(client, ACCOUNT, version), self.holders)


@given(st.sets(st.integers(0, 40)), st.sets(st.integers(0, 40)), st.integers(1, 50), st.integers(1, 9))
def test_every_device_is_asked_about_once(wanted: set[int], held: set[int], most: int, size: int) -> None:
    """Whatever fits into a request and into an answer."""
    server = Server(map(imei, held), most)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(named, "MOST", size)
        reader = server.named()
        found = reader.read([imei(number) for number in wanted])
    assert found is not None
    assert found.licensed == {imei(number) for number in wanted & held}
    assert (len(found.facts), found.unknown) == (len(wanted), {})
    assert reader.unusable == ""
    if most >= size:
        assert len(server.asked) == -(-len(wanted) // size)
        assert sorted(device for ids in server.asked for device in ids) == sorted(map(imei, wanted))


@pytest.mark.parametrize("says_unknown", [False, True])
def test_devices_of_each_protocol_are_asked_for(says_unknown: bool) -> None:
    """A server may mean one protocol if none is named, as in the examples of its page, and leave others out."""
    server = Server(imeis(2))
    server.says_unknown = says_unknown
    server.protocols = ("OMADM", "LWM2M", "HTTP")
    found = server.named().read(imeis(5))
    assert found is not None
    assert (found.licensed, len(found.facts)) == (set(imeis(2)), 5)
    assert [len(ids) for ids in server.asked] == [5, 3, 3, 1]


def rows(edit: t.Callable[[list[Value]], list[t.Any]]) -> Edit:
    """Edit the rows, and count them."""

    def edited(value: Value) -> Value:
        found = edit(value["deviceList"])
        return {**value, "deviceList": found, "deviceCount": len(found)}

    return edited


def first(**more: t.Any) -> Edit:
    """Change the first row; None leaves a field out."""

    def changed(found: list[Value]) -> list[t.Any]:
        row = {name: value for name, value in {**found[0], **more}.items() if value is not None}
        return [row, *found[1:]]

    return rows(changed)


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (rows(lambda found: found[1:]), "leaves out 1 device"),
        (rows(lambda found: [*found, found[0]]), "twice"),
        (rows(lambda found: [*found, {**found[0], "deviceId": imei(99)}]), "not asked for"),
        (first(deviceId="99000000000000"), "not asked for"),
        (first(licenseAssigned=None), "no usable 'licenseAssigned'"),
        (first(licenseAssigned="perhaps"), "no usable 'licenseAssigned'"),
        (first(licenseAssigned=1), "no usable 'licenseAssigned'"),
        (first(requestStatus="Failure"), "no reason was given"),
        (first(requestStatus="Failure", licenseAssigned=None, resultReason="Internal error."), "Internal error."),
        (lambda value: {**value, "deviceCount": 7}, "counts 7"),
        (lambda value: {**value, "deviceList": None}, "deviceList"),
        (lambda value: {**value, "deviceList": ["990000000000000"]}, "deviceList"),
        (lambda value: {**value, "hasMoreData": True, "deviceList": [], "deviceCount": 0}, "leaves out 3"),
        (lambda value: {**value, "hasMoreData": "perhaps"}, "hasMoreData"),
    ],
)
def test_an_answer_that_leaves_something_open_is_not_used(edit: Edit, told: str) -> None:
    reader = Server(imeis(2), edit=edit).named()
    assert reader.offered
    assert reader.read(imeis(3)) is None
    assert told in reader.unusable
    assert not reader.offered


@pytest.mark.parametrize("status", [None, "", "Success", "Failure"])
@pytest.mark.parametrize("flag", [True, False])
@pytest.mark.parametrize("removing", [True, False])
def test_a_flag_of_a_device_that_is_said_to_be_unknown(status: str | None, flag: bool, removing: bool) -> None:
    """It may be there only because the form of the answer has it. A list shows who holds a license."""
    edit = first(requestStatus=status, licenseAssigned=flag, resultReason="Device not found.")
    for held in (imeis(3), imeis(2, 1)):
        server = Server(held)
        server.edit = lambda value: (
            edit(value) if any(row["deviceId"] == imei(0) for row in value["deviceList"]) else value
        )
        server.there = set(imeis(3))
        found = server.named().read(imeis(3), removing=removing)
        assert found is not None
        assert found.licensed == set(held)


@pytest.mark.parametrize("removing", [True, False])
@pytest.mark.parametrize("wrong", [35, 36])
def test_a_page_that_was_read_for_another_device_must_not_contradict_it(wrong: int, removing: bool) -> None:
    """Whichever list it is of, and whatever it says. Devices with an even number hold a license."""
    place, beside, stale = imei(30), imei(33), imei(wrong)
    server = Server(imeis(60)[::2])
    server.there = {*imeis(60)} - {beside}

    def edit(found: list[Value]) -> list[t.Any]:
        others = [row for row in found if row["deviceId"] != beside]
        return [{**row, "licenseAssigned": row["licenseAssigned"] != (row["deviceId"] == stale)} for row in others]

    server.edit = rows(edit)
    reader = server.named()
    assert reader.read([place, beside], imeis(10)[::2], removing=removing) is not None
    assert reader.read([place, beside, stale], imeis(10)[::2], removing=removing) is None
    assert f"says something else about {stale}" in reader.unusable


@pytest.mark.parametrize("value", [True, "true", " TRUE "])
def test_a_flag_may_be_text(value: t.Any) -> None:
    found = Server(edit=first(licenseAssigned=value)).named().read(imeis(2))
    assert found is not None
    assert found.licensed == {imei(0)}


@pytest.mark.parametrize("removing", [False, True])
@pytest.mark.parametrize(("count", "pages"), [(1, 1), (11, 1), (500, 1)])
@pytest.mark.parametrize("left_out", [False, True])
def test_devices_that_the_account_does_not_have(removing: bool, count: int, pages: int, left_out: bool) -> None:
    """However many they are. Neighbors are looked for on the same page of a list."""
    server = Server(imeis(40))
    if left_out:
        server.edit = rows(lambda found: [row for row in found if row["deviceId"] not in STRANGERS])
    server.there = set(imeis(60))
    reader = server.named()
    found = reader.read([*imeis(50), *STRANGERS[:count]], imeis(10), removing=removing)
    assert found is not None
    assert (found.licensed, found.unsaid, reader.doubt) == (set(imeis(40)), [] if not removing else (), "")
    assert found.unknown.keys() == set(STRANGERS[:count])
    assert [len(ids) for ids in server.asked] == [50 + count, count, count, count], "with each protocol"
    assert len(server.pages) == pages


def test_it_takes_one_request_for_a_thousand_unknown_devices_and_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are spread over all requests."""
    monkeypatch.setattr(named, "MOST", 100)
    server = Server()
    server.there = set(imeis(1000))
    wanted = imeis(1000)
    for number in range(11):
        wanted.insert(90 * number, STRANGERS[number])
    found = server.named().read(wanted)
    assert found is not None
    assert found.unknown.keys() == set(STRANGERS[:11])
    assert sorted(len(ids) for ids in server.asked) == [*[11] * 4, *[100] * 10]


def test_the_end_of_the_list_must_show_a_known_device() -> None:
    """A server could answer with an empty last page to any cursor that it does not like."""

    class Empty(Server):
        def after(self, cursor: str, devices: t.Collection[str]) -> tuple[list[str], bool]:
            page, more = super().after(cursor, devices)
            return (page, more) if cursor in ("0", *self.pages[:-1]) else ([], False)

    beyond = "990000000009999"
    wanted = [*imeis(30), beyond]
    for kind, unknown in ((Server, [beyond]), (Empty, [])):
        server = kind(imeis(2), edit=rows(lambda found: [row for row in found if row["deviceId"] != beyond]))
        server.there = set(imeis(30))
        reader = server.named()
        found = reader.read(wanted)
        assert (found is not None, [] if found is None else [*found.unknown]) == (bool(unknown), unknown)
        assert len(server.pages) == 1
        assert ("leaves out 1 device" in reader.unusable) == (not unknown)


@pytest.mark.parametrize("licensed", [True, False])
def test_another_call_may_know_a_device(licensed: bool) -> None:
    """Then it is right, and the answer is used for all other devices."""
    lost = imei(33)
    server = Server(imeis(20) + [lost] * licensed)
    server.there = set(imeis(60))
    server.protocols = ("none",)
    server.says_unknown = True
    reader = server.named()
    found = reader.read([lost, STRANGER])
    assert found is not None
    assert (found.licensed, [*found.unknown]) == ({lost} if licensed else set(), [STRANGER])
    assert lost in reader.doubt
    assert "has it" in reader.doubt
    found = server.named().read([lost, STRANGER], removing=True)
    assert found is not None
    assert found.licensed == ({lost} if licensed else set())


def spread(count: int) -> list[str]:
    """Unknown devices, each on a page of its own."""
    return [f"{imei(SIZE * number)[:-1]}x" for number in range(1, count + 1)]


@pytest.mark.parametrize("how", ["too far apart", "no list", "own cursors only"])
def test_what_cannot_be_shown_within_a_few_requests_is_not_said(how: str) -> None:
    strangers, known = spread(30), [device for device in imeis(400) if device[-1] != "9"]

    def unknown(found: list[Value]) -> list[t.Any]:
        reason = {"requestStatus": "Failure", "resultReason": "Device not found."}
        return [{"deviceId": row["deviceId"], **reason} if row["deviceId"] in strangers else row for row in found]

    server = Server(known[:20], edit=rows(unknown))
    server.there = None if how == "no list" else set(known)
    server.own_cursors = how == "own cursors only"
    reader = server.named()
    found = reader.read([*known, *strangers], known[:10])
    assert found is not None
    assert (found.licensed, {*found.unknown, *found.unsaid}) == (set(known[:20]), set(strangers))
    assert len(server.pages) <= PROOFS
    assert bool(found.unknown) == (how != "no list"), "its first page may show some"
    assert len(found.unsaid) >= 10
    whole = server.named().read([*known, *strangers], known[:10], most=None)
    assert whole is not None
    assert (set(whole.unknown), list(whole.unsaid)) == (set(strangers), []) if how != "no list" else not whole.unknown
    assert f"does not know {len(found.unsaid)} devices" in reader.doubt
    assert {found.about[device] for device in found.unsaid} == {Facts(None, None, None)}
    assert server.named().read([*known, *strangers], known[:10], removing=True) is not None, "few are licensed"


@pytest.mark.parametrize("status", [400, 404, 500])
def test_a_protocol_that_the_server_refuses_is_left_out(status: int) -> None:
    """The call works without it, also for the next task."""
    server = Server(imeis(1))
    server.there = set(imeis(9))
    server.refused_protocols = dict.fromkeys(named.PROTOCOLS[1:], status)
    reader = server.named()
    found = reader.read([imei(0), STRANGER])
    assert found is not None
    assert (found.licensed, [*found.unknown], reader.unusable) == ({imei(0)}, [STRANGER], "")
    assert server.named().offered


@pytest.mark.parametrize(
    ("listed", "usable"),
    [([], True), ([1, 3], True), ([1, 3, 5], False), ([3], False), ([0, 1], False), ([3, 1], True), ([1, 9], False)],
)
def test_the_beginning_of_the_list_must_not_contradict_it(listed: list[int], usable: bool) -> None:
    """Devices 1, 3, and 7 hold a license; only an ordered list shows that a device is not on it."""
    reader = Server(map(imei, (1, 3, 7))).named()
    found = reader.read(imeis(8), [imei(number) for number in listed])
    assert (found is not None) == usable
    assert ("something else" in reader.unusable) != usable


def refusal(status: int, code: t.Any = "api_rejected", **more: t.Any) -> Edit:
    """Refuse the request."""

    def refuse(_value: Value) -> Value:
        raise ApiError("refused", code=code, status=status, **more)

    return refuse


@pytest.mark.parametrize(
    "edit", [refusal(404), refusal(405), refusal(400, api_code="900906"), refusal(404, api_code="900906")]
)
def test_a_call_that_does_not_exist_is_remembered(edit: Edit, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(edit=edit)
    reader = server.named()
    assert reader.read(imeis(5000)) is None
    assert (reader.unusable, len(server.asked)) == ("", 1)
    assert not server.named().offered, "nor for another task of the job"
    monkeypatch.setattr("time.time", lambda: 1e12)
    assert server.named().offered


@pytest.mark.parametrize(
    "edit",
    [
        refusal(400),
        refusal(403, "auth_rejected"),
        refusal(500, "server_error"),
        refusal(404, api_code="INPUT_INVALID"),
        refusal(404, api_code="UnifiedWebService.REQUEST_FAILED.DeviceNotFound"),
    ],
)
def test_a_refusal_costs_one_task(edit: Edit) -> None:
    server = Server(edit=edit)
    reader = server.named()
    assert reader.read(imeis(5000)) is None
    assert (reader.unusable, len(server.asked), bool(reader.offered)) == ("refused", 1, False)
    assert server.named().offered


@pytest.mark.parametrize("edit", [refusal(404), refusal(405), refusal(400, api_code="900906")])
def test_a_call_that_has_answered_exists(edit: Edit) -> None:
    """Whatever the next answer says, it is about one request."""
    server = Server()
    server.edit = lambda value: value if len(server.asked) == 1 else edit(value)
    reader = server.named()
    assert reader.read(imeis(1001)) is None
    assert (reader.unusable, bool(reader.offered), bool(server.named().offered)) == ("refused", False, True)


def test_what_is_remembered_can_be_asked_again() -> None:
    server = Server(edit=refusal(404))
    assert server.named().read(imeis(2)) is None
    reader = server.named()
    reader.offered.ask_again()
    assert reader.offered
    assert server.named().offered, "nor do others trust it any more"
    assert reader.read(imeis(2)) is None
    assert not server.named().offered
    gone = server.named()
    gone.offered.give_up()
    gone.offered.ask_again()
    assert not gone.offered, "what this task found out stands"


@pytest.mark.parametrize("code", ["rate_limited", "login_refused"])
def test_what_concerns_every_request_ends_the_task(code: t.Any) -> None:
    with pytest.raises(LicensingError, match="refused"):
        Server(edit=refusal(429, code)).named().read(imeis(2))


@pytest.mark.parametrize(
    ("code", "ends"),
    [("connection_failed", False), ("deadline_exceeded", True), ("tls_failed", True), ("timeout", False)],
)
def test_no_answer_at_all(code: t.Any, ends: bool) -> None:
    """A call that takes too long is one that others may not share."""

    def lose(_value: Value) -> Value:
        raise TransportError("lost", code=code, in_doubt=False)

    reader = Server(edit=lose).named()
    if ends:
        with pytest.raises(TransportError):
            reader.read(imeis(2))
    else:
        assert reader.read(imeis(2)) is None
        assert reader.unusable == "lost"


def test_other_versions_have_no_such_call() -> None:
    assert not Server().named("v1").offered
    assert not Server().named("v2").offered
