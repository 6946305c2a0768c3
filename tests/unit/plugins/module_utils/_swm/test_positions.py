# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A list that accepts any number as a position shows what it has. Whatever a server does, no device of it is missed."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._client.page import Page
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import ApiError, LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._swm.facts import Facts
from ansible_collections.thingspace.licensing.plugins.module_utils._swm.missing import among_licensed
from ansible_collections.thingspace.licensing.plugins.module_utils._swm.positions import Positions
from ansible_collections.thingspace.licensing.plugins.module_utils._swm.shown import Shown
from ansible_collections.thingspace.licensing.plugins.module_utils._thingspace.check_digit import check_digit

SIZE = 10


def real(number: int) -> str:
    """An IMEI with its check digit."""
    unit = f"3598810{number:07}"
    return unit + check_digit(unit)


def refused(text: str = "LastSeenDeviceId Not Valid", status: int = 400) -> ApiError:
    """What the server says to a position."""
    return ApiError(text, code="api_rejected" if status < 500 else "server_error", status=status, api_message=text)


class Server:
    """A list of licensed devices.

    :param how: what it does with a position.
    :param account: further devices of the account, which are valid positions.
    :param gone: devices that left the account with their licenses.
    """

    def __init__(
        self, how: str, held: t.Iterable[str], account: t.Iterable[str] = (), gone: t.Iterable[str] = ()
    ) -> None:
        self.account = {*held, *account}
        self.how, self.held = how, sorted({*held, *gone})
        self.asked: list[str] = []
        self.own = {"0"}

    def page(self, place: str) -> Page:
        """The page after a place."""
        self.asked.append(place)
        if self.how == "down" and place != "0":
            raise refused("no", 500)
        valid = {"strict": self.account, "own": self.own, "refuses all": set()}.get(self.how, {place})
        if place not in {"0", *valid}:
            raise refused()
        rest = [device for device in self.held if place == "0" or device > place]
        odd = {"first": self.held, "empty": [], "late": rest[1:]}
        if self.how == "record":
            rest = self.held[int(place) :]
        elif place not in {"0", *self.account}:
            rest = odd.get(self.how, rest)
        ids = rest[:SIZE]
        if ids:
            self.own.add(ids[-1])
        return Page([(device, "") for device in ids], None, None, len(rest) > SIZE, ids[-1] if ids else "0", None)

    def positions(self) -> Positions:
        """What is asked, after the first page was read."""
        return Positions(self.page, [device for device, _time in self.page("0").devices])


HELD = [real(3 * number) for number in range(100)]
NOWHERE = ("strict", "own", "refuses all", "record", "first", "empty", "late", "down")


@pytest.mark.parametrize("number", [-1, 31, 148, 295])
def test_what_the_account_does_not_have(number: int) -> None:
    """It takes a few requests, wherever it would be."""
    server = Server("any", HELD)
    positions = server.positions()
    device = real(number) if number >= 0 else "111111111111119"
    assert positions.exclude(device)
    assert len(server.asked) <= 4
    assert positions.exclude(real(151))
    assert len(server.asked) <= 4 + 2, "how the server takes positions is found out once"


@pytest.mark.parametrize("how", NOWHERE)
def test_a_server_that_takes_no_such_position_shows_nothing(how: str) -> None:
    """Nor does a refusal: it speaks of the devices of the account. One request shows that, whatever is asked about."""
    server = Server(how, HELD)
    positions = server.positions()
    assert not any(positions.exclude(real(number)) for number in range(300))
    assert len(server.asked) == 2


@pytest.mark.parametrize("how", ["strict", "own"])
def test_a_device_of_the_account_that_differs_in_the_last_digit(how: str) -> None:
    """It is told, because the wanted id may be a wrong one."""
    positions = Server(how, HELD).positions()
    device = real(30)
    typos = {device[:-1] + last for last in "0123456789"} - {device, device[:-1] + "0"}
    assert {positions.twin(typo) for typo in typos} == ({device} if how == "strict" else {""})
    assert {positions.twin(one) for one in (device, real(31), "1234", device[:-1] + "x")} == {""}


def test_made_up_ids_are_no_misspelled_ones() -> None:
    positions = Server("strict", [f"359881000000{number:03}" for number in range(1000) if number != 557]).positions()
    assert positions.twin("359881000000557") == ""


@pytest.mark.parametrize("how", ["any", *NOWHERE])
@pytest.mark.parametrize("zero", [False, True])
def test_a_wrong_check_digit_is_not_absence(how: str, zero: bool) -> None:
    """Of the wanted id, or of all ids on the list, where a zero may stand for it."""
    held = [device[:-1] + "0" for device in HELD] if zero else HELD
    server = Server(how, held, HELD)
    positions = server.positions()
    for number in range(0, 300, 3):
        device = real(number)
        for last in "0123456789":
            assert not positions.exclude(device[:-1] + last)


def test_made_up_ids_follow_each_other() -> None:
    """Then ten devices share the digits before the last one."""
    held = [f"{359881000000000 + number}" for number in range(1000) if number % 100 not in (7, 57)]
    positions = Server("any", held).positions()
    assert positions.exclude("359881000000557")
    assert not positions.exclude("359881000000556")


@pytest.mark.parametrize("device", ["35988100000557", "3598810000005578", "35988100000055x", "89148000000123456789"])
def test_only_an_imei_is_a_position(device: str) -> None:
    server = Server("any", HELD)
    assert not server.positions().exclude(device)
    assert len(server.asked) == 1


def test_without_a_second_device_nothing_shows_how_the_server_takes_positions() -> None:
    assert not Server("any", HELD[:1]).positions().exclude(real(500))
    without_gap = [f"{359881000000000 + number}" for number in range(20)]
    assert not Server("any", without_gap).positions().exclude("359881000000999")


def test_what_concerns_every_request_ends_the_task() -> None:
    positions = Positions(Server("any", HELD).page, HELD[:SIZE])

    def limited(_place: str) -> Page:
        raise ApiError("later", code="rate_limited", status=429)

    with pytest.raises(LicensingError, match="later"):
        Positions(limited, HELD[:SIZE]).exclude(real(1))
    assert positions.exclude(real(1))


@given(
    st.sampled_from(["any", *NOWHERE]),
    st.sets(st.integers(0, 120), min_size=1),
    st.sets(st.integers(0, 120)),
    st.sets(st.integers(0, 130)),
    st.integers(0, 130),
    st.sampled_from(["right", *"0123456789"]),
)
def test_no_device_of_the_list_is_ever_excluded(
    how: str, held: set[int], others: set[int], gone: set[int], number: int, last: str
) -> None:
    """Neither under its own id nor with a wrong check digit, and also if it is no device of the account any more."""
    account = held | others
    server = Server(how, [real(one) for one in held], map(real, others), map(real, gone - account))
    device = real(number) if last == "right" else real(number)[:-1] + last
    if server.positions().exclude(device):
        assert number not in held | (gone - account)


@given(
    st.sampled_from(["any", *NOWHERE]),
    st.sets(st.integers(0, 400), min_size=1),
    st.sets(st.integers(0, 400)),
    st.sets(st.integers(0, 400), min_size=1, max_size=5),
)
def test_nor_is_it_called_one_without_a_license(how: str, held: set[int], others: set[int], gone: set[int]) -> None:
    """However many requests that takes: what they do not show is in doubt."""
    gone -= held | others
    listed = Server(how, map(real, held), map(real, others), map(real, gone))
    nowhere = {real(number) for number in range(401, 406)}
    missing = dict.fromkeys(sorted({*map(real, gone), *nowhere}), "Device does not exist.")
    facts = {real(number): Facts(number in held, None, None) for number in sorted(held | others)[::7]}
    first = [device for device, _time in listed.page("0").devices]
    found = among_licensed(Shown(listed.page, first), facts, missing, first, 50, 2)
    assert found.unknown.keys() <= nowhere
    assert found.licensed - facts.keys() <= set(map(real, gone))
    assert {*found.unknown, *found.unproven, *found.licensed} >= missing.keys()
