# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The device list: read as a whole, or only around the devices that are looked for."""

from __future__ import annotations

import threading
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._client.client import Client
from ansible_collections.thingspace.licensing.plugins.module_utils._client.cuts import PAGES
from ansible_collections.thingspace.licensing.plugins.module_utils._client.runtime_dir import MemoryStore
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import (
    ApiError,
    IncompleteList,
    LicensingError,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._progress import Progress
from ansible_collections.thingspace.licensing.plugins.module_utils._swm import device_list, search
from ansible_collections.thingspace.licensing.plugins.module_utils._swm.device_list import DeviceList
from ansible_collections.thingspace.licensing.plugins.module_utils._swm.facts import Facts
from ansible_collections.thingspace.licensing.plugins.module_utils._thingspace.api_versions import ApiVersion
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, imei, imeis

Value = dict[str, t.Any]
Found = dict[str, Facts]
Edit = t.Callable[[Value], Value]


class Server:
    """Lists devices in pages. A cursor must be 0 or a device of the account, as documented."""

    host = "api.test"

    def __init__(self, devices: t.Iterable[str], size: int = 10, edit: Edit = lambda value: value) -> None:
        self.devices, self.size, self.edit = sorted(devices), size, edit
        self.cursors: list[str] = []
        self.max_concurrency = 1
        self.strict = True
        self.refusal = "LastSeenDeviceId Not Valid"
        self.store = MemoryStore()
        self.progress = Progress()

    @staticmethod
    def mask(text: str) -> str:
        return text

    def get(self, operation: str, path: str) -> Value:
        """One page."""
        cursor = path.replace("?lastSeenDeviceId=", "/index/").removeprefix(f"/fota/v3/devices/{ACCOUNT}/index/")
        self.cursors.append(cursor)
        if self.strict and cursor != "0" and cursor not in self.devices:
            raise ApiError("refused", code="api_rejected", status=400, api_message=self.refusal)
        rest = [device for device in self.devices if device > cursor or cursor == "0"]
        page = rest[: self.size]
        value = {"hasMoreData": len(rest) > len(page), "lastSeenDeviceId": page[-1] if page else cursor}
        return self.edit({**value, "deviceList": [{"deviceId": device, "fotaEligible": True} for device in page]})

    def try_get(self, operation: str, path: str) -> Value:
        """A page that the reader can do without."""
        return self.get(operation, path)

    def list(self, version: ApiVersion = "v3") -> DeviceList:
        """The real reader."""
        return DeviceList(t.cast(Client, self), ACCOUNT, version)


@given(st.sets(st.integers(0, 60)), st.sets(st.integers(0, 60)), st.sets(st.integers(0, 60)), st.integers(1, 9))
def test_wanted_devices_are_found_where_they_are(there: set[int], wanted: set[int], known: set[int], size: int) -> None:
    server = Server(map(imei, there), size)
    at = sorted(imei(number) for number in known & there)
    found = server.list().find([imei(number) for number in wanted], at, None)
    assert found.keys() == {imei(number) for number in wanted & there}
    assert len(server.cursors) == len(set(server.cursors)), "no page is read twice"
    assert len(server.cursors) <= len(there) // size + 1
    if known >= there:
        assert len(server.cursors) <= len(wanted)


@given(
    st.sets(st.integers(0, 60)),
    st.sets(st.integers(0, 60)),
    st.sets(st.integers(0, 60)),
    st.integers(1, 9),
    st.sampled_from(["LastSeenDeviceId Not Valid", "Something else"]),
)
def test_a_refused_position_hides_no_device(
    there: set[int], wanted: set[int], known: set[int], size: int, refusal: str
) -> None:
    """Licenses may outlive their devices. The device list does not accept their ids."""
    server = Server(map(imei, there), size)
    server.refusal = refusal
    devices = server.list()
    found = devices.find([imei(number) for number in wanted], sorted(imei(number) for number in known), None)
    assert found.keys() == {imei(number) for number in wanted & there}
    assert devices.unusable == ""
    assert len(server.cursors) == len(set(server.cursors)), "no position is tried twice"


def test_many_refused_positions_cost_little() -> None:
    server = Server(imeis(1000))
    gone = [imei(number)[:-1] + "x" for number in range(0, 900, 2)]
    assert server.list().find([imei(950)], sorted([imei(100), *gone]), None).keys() == {imei(950)}
    assert len(server.cursors) <= 20 + 1000 // 10
    server.cursors = []
    assert server.list().find([imei(950)], sorted([*imeis(900), *gone[-3:]]), None).keys() == {imei(950)}
    assert len(server.cursors) <= 3 + 6


def test_no_more_pages_than_allowed() -> None:
    server = Server(imeis(100))
    assert server.list().find([imei(5), imei(99)], [], 3).keys() == {imei(5)}
    assert len(server.cursors) == 3
    assert server.list().find([imei(5)], [], 0) == {}
    assert len(server.cursors) == 3


@given(
    st.sets(st.integers(0, 200)),
    st.sets(st.integers(0, 200)),
    st.sets(st.integers(0, 200)),
    st.integers(1, 9),
    st.integers(2, 5),
)
def test_pages_that_are_read_side_by_side(
    there: set[int], wanted: set[int], known: set[int], size: int, at_once: int
) -> None:
    """They find the same devices, and each further chain costs little."""
    found, asked = [], []
    for workers in (1, at_once):
        server = Server(map(imei, there), size)
        server.max_concurrency = workers
        at = sorted(imei(number) for number in known & there)
        found.append(server.list().find([imei(number) for number in wanted], at, None))
        asked.append(len(server.cursors))
    assert found[0] == found[1]
    assert found[0].keys() == {imei(number) for number in wanted & there}
    if known >= there:
        assert asked[1] <= asked[0] + at_once - 1


@given(
    st.sets(st.integers(0, 200)),
    st.sets(st.integers(0, 200)),
    st.sets(st.integers(0, 200), min_size=1),
    st.integers(1, 9),
    st.sampled_from([1, 4]),
    st.sampled_from([None, 1, 3]),
)
def test_absent_are_those_that_the_list_does_not_have(
    there: set[int], wanted: set[int], known: set[int], size: int, at_once: int, most: int | None
) -> None:
    """All of them, if as many pages are read as it takes, and no other one."""

    def ids(numbers: t.Iterable[int]) -> set[str]:
        return {imei(10 * number) for number in numbers}

    server = Server(ids(there | known), size)
    server.max_concurrency = at_once
    found = server.list().look_up(search.Search(ids(wanted), sorted(ids(known)), proving=True), most)
    absent = ids(wanted - there - known)
    assert found.absent == absent if most is None else found.absent <= absent
    assert found.facts.keys() <= ids(wanted & (there | known))


@pytest.mark.parametrize("listed", ["359881030314350", "3598810303143568", "35988103031435"])
def test_what_may_be_there_in_another_spelling_is_not_absent(listed: str) -> None:
    """With a zero as the check digit, as an IMEISV, or without the check digit."""
    device = "359881030314356"
    server = Server([listed, "111111111111119"], 10)
    assert device not in server.list().look_up(search.Search({device}, [], proving=True), None).absent
    server = Server(["111111111111119", "359881030314299"], 1)
    assert device in server.list().look_up(search.Search({device}, ["359881030314299"], proving=True), None).absent


def test_they_are_read_at_the_same_time() -> None:
    """The first one shows how far a page goes. Without the others, nobody passes the barrier."""
    barrier = threading.Barrier(4, timeout=20)

    def wait(value: Value) -> Value:
        if len(server.cursors) > 1:
            barrier.wait()
        return value

    server = Server(imeis(1000), edit=wait)
    server.max_concurrency = 4
    wanted = [imei(number) for number in (5, 300, 305, 600, 900, 990)]
    assert server.list().find(wanted, imeis(1000, 0), None).keys() == set(wanted)
    assert len(server.cursors) == 5


@pytest.mark.parametrize("at_once", [1, 4])
def test_a_list_that_does_not_end(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a new device on each page."""
    monkeypatch.setattr(search, "MOST_PAGES", 30)
    monkeypatch.setattr(device_list, "MOST_PAGES", 30)

    class Endless(Server):
        def get(self, operation: str, path: str) -> Value:
            cursor = path.removeprefix(f"/fota/v3/devices/{ACCOUNT}?lastSeenDeviceId=")
            self.cursors.append(cursor)
            row = {"deviceId": str(int(cursor if cursor != "0" else imei(0)) + 1)}
            return {"hasMoreData": True, "lastSeenDeviceId": row["deviceId"], "deviceList": [row]}

    server = Endless([])
    server.max_concurrency = at_once
    devices = server.list()
    known = [imei(number) for number in range(0, 9000, 1000)]
    found = devices.find([imei(1), *(imei(number + 900) for number in range(0, 9000, 1000))], known, None)
    assert found.keys() == {imei(1)}
    assert "does not end" in devices.unusable
    assert len(server.cursors) <= 30 * at_once + 1
    with pytest.raises(IncompleteList, match="does not end"):
        Endless([]).list().everything()


def refuse(status: int, code: t.Any = "api_rejected", **more: t.Any) -> Edit:
    """Refuse the request."""

    def refused(_value: Value) -> Value:
        raise ApiError("refused", code=code, status=status, **more)

    return refused


@pytest.mark.parametrize(
    ("edit", "remembered"),
    [(refuse(404), True), (refuse(405), True), (refuse(400, api_code="900906"), True), (refuse(400), False)],
)
def test_a_list_that_cannot_be_read_finds_nothing(edit: Edit, remembered: bool) -> None:
    server = Server(imeis(9), edit=edit)
    devices = server.list()
    assert devices.find(imeis(9), [], None) == {}
    assert devices.find(imeis(9), [], None) == {}
    assert len(server.cursors) == 1
    assert bool(server.list().offered) != remembered


def test_what_concerns_every_request_is_no_missing_list() -> None:
    with pytest.raises(LicensingError, match="refused"):
        Server(imeis(9), edit=refuse(429, "rate_limited")).list().find(imeis(9), [], None)


def test_everything() -> None:
    assert [*Server(imeis(25)).list().everything()] == imeis(25)
    assert Server([]).list().everything() == {}


@pytest.mark.parametrize(
    "edit",
    [
        lambda value: {**value, "deviceList": value["deviceList"] * 2},
        lambda value: {**value, "lastSeenDeviceId": "0", "hasMoreData": True},
        lambda value: {**value, "lastSeenDeviceId": imei(3), "hasMoreData": True},
        lambda value: {**value, "deviceList": [], "hasMoreData": True},
    ],
)
def test_a_list_that_contradicts_itself(edit: Edit) -> None:
    with pytest.raises(IncompleteList):
        Server(imeis(25), edit=edit).list().everything()


LONG = imeis(2 * 4 * PAGES * 2 + 2)
"""Four pieces of a list with pages of two."""


def in_pieces(server: Server, known: t.Collection[str], at_once: int = 4) -> tuple[Found, str]:
    """All devices, and what is told of a list that could not be read in pieces."""
    server.max_concurrency = at_once
    devices = server.list()
    return devices.everything(known), devices.unsplit


def chain(server: Server) -> Found:
    """The same, read page by page."""
    return server.list().everything()


@given(
    st.sets(st.integers(0, 200), min_size=1),
    st.sets(st.integers(0, 200)),
    st.booleans(),
    st.integers(1, 3),
    st.integers(1, 6),
)
def test_everything_in_pieces(there: set[int], licensed: set[int], strict: bool, size: int, at_once: int) -> None:
    """Licenses may outlive their devices, and many devices hold none."""
    server, other = (Server(map(imei, there), size) for _reading in range(2))
    server.strict = strict
    assert in_pieces(server, [imei(number) for number in licensed], at_once) == (chain(other), "")
    assert len(server.cursors) <= len(other.cursors) + 2 * (at_once - 1)


@pytest.mark.parametrize("devices", [2 * len(LONG), 2 * len(LONG) - 1, 2 * len(LONG) + 1])
def test_pieces_cost_no_more_than_one_page(devices: int) -> None:
    """If all devices hold a license, each piece has whole pages, although it overlaps with the next one."""
    server, known = Server(imeis(devices), 4), imeis(devices)
    found, told = in_pieces(server, known[::-1])
    assert (set(found), told) == (set(known), "")
    assert len(server.cursors) <= -(-devices // 4) + 1


def test_pieces_are_read_at_the_same_time() -> None:
    """After the first page, nobody passes the barrier without three others."""
    barrier = threading.Barrier(4, timeout=20)

    def wait(value: Value) -> Value:
        if 1 < len(server.cursors) <= 5:
            barrier.wait()
        return value

    server = Server(LONG, 2, edit=wait)
    assert in_pieces(server, LONG)[0].keys() == set(LONG)


class OwnCursors(Server):
    """Does something else with a cursor that it did not give out itself."""

    def __init__(self, other: t.Callable[[list[str], str], list[str]], more: bool | None = None) -> None:
        super().__init__(LONG, 2)
        self._given, self._other, self._more = {"0"}, other, more

    def get(self, operation: str, path: str) -> Value:
        """One page."""
        cursor = path.rpartition("=")[2]
        own, all_devices = cursor in self._given, self.devices
        if own:
            value = super().get(operation, path)
        else:
            self.cursors.append(cursor)
            rest = self._other(all_devices, cursor)
            value = {"deviceList": [{"deviceId": one, "fotaEligible": True} for one in rest[:2]]}
            more = len(rest) > 2 if self._more is None else self._more
            value |= {"hasMoreData": more, "lastSeenDeviceId": rest[1] if rest[1:] else cursor}
        self._given.add(str(value["lastSeenDeviceId"]))
        return value


def after(devices: list[str], cursor: str) -> list[str]:
    """What a server lists that honors the cursor."""
    return [one for one in devices if one > cursor]


@pytest.mark.parametrize(
    ("server", "why"),
    [
        (OwnCursors(lambda devices, _cursor: devices), "not in the order"),
        (OwnCursors(lambda devices, cursor: [cursor, *after(devices, cursor)]), "not in the order"),
        (OwnCursors(lambda devices, cursor: [*after(devices, cursor)[:1], *after(devices, cursor)]), "is on it twice"),
        (OwnCursors(lambda devices, cursor: after(devices, cursor)[1:]), ""),
        (OwnCursors(lambda devices, cursor: [cursor + "0", *after(devices, cursor)]), "depending on where"),
        (OwnCursors(lambda _devices, _cursor: []), ""),
        (OwnCursors(after, more=False), ""),
    ],
    ids=["ignores it", "inclusive", "twice", "skips one", "makes one up", "nothing there", "ends there"],
)
def test_a_server_that_takes_only_its_own_cursors(server: OwnCursors, why: str) -> None:
    """No count shows that a device is missing, so each piece must have the first device of the next one."""
    found, told = in_pieces(server, LONG)
    assert found.keys() == set(LONG)
    assert (why in told) if why else not told
    assert len(server.cursors) > len(LONG) // 2, "no other cursor was tried"


def test_a_device_that_leaves_while_pieces_are_read() -> None:
    """The next page after it is refused."""

    class Leaving(Server):
        def get(self, operation: str, path: str) -> Value:
            value = super().get(operation, path)
            if len(self.cursors) == 8:
                self.devices.remove(value["lastSeenDeviceId"])
            return value

    server = Leaving(LONG, 2)
    found, told = in_pieces(server, LONG)
    assert found.keys() == set(server.devices)
    assert "The devices of the account were read page by page" in told
