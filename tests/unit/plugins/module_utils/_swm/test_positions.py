# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A list refuses the positions of devices that it cannot have. Whatever a server does, no device of it is missed."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._client.page import Page
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import ApiError, LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._swm.positions import Positions
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
    :param account: devices of the account, which are valid positions.
    """

    def __init__(self, how: str, held: t.Iterable[str], account: t.Iterable[str] = ()) -> None:
        self.how, self.held = how, sorted(held)
        self.account = {*self.held, *account}
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
NOWHERE = ("own", "refuses all", "record", "first", "empty", "down")


@pytest.mark.parametrize("how", ["strict", "any"])
@pytest.mark.parametrize("number", [-1, 31, 148, 295])
def test_what_the_account_does_not_have(how: str, number: int) -> None:
    """It takes a few requests, wherever it would be."""
    server = Server(how, HELD)
    positions = server.positions()
    device = real(number) if number >= 0 else "111111111111119"
    assert positions.exclude(device)
    assert len(server.asked) <= 4
    assert positions.exclude(real(151))
    assert len(server.asked) <= 4 + 2, "how the server takes positions is found out once"


@pytest.mark.parametrize("how", NOWHERE)
def test_a_server_that_takes_no_such_position_shows_nothing(how: str) -> None:
    positions = Server(how, HELD).positions()
    assert not any(positions.exclude(real(number)) for number in range(300))


@pytest.mark.parametrize("how", ["strict", "any", *NOWHERE])
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


@pytest.mark.parametrize("how", ["strict", "any"])
def test_made_up_ids_follow_each_other(how: str) -> None:
    """Then ten devices share the digits before the last one."""
    held = [f"{359881000000000 + number}" for number in range(1000) if number % 100 != 57]
    positions = Server(how, held).positions()
    assert positions.exclude("359881000000557")
    assert not positions.exclude("359881000000556")


@pytest.mark.parametrize("device", ["35988100000557", "3598810000005578", "35988100000055x", "89148000000123456789"])
def test_only_an_imei_is_a_position(device: str) -> None:
    server = Server("strict", HELD)
    assert not server.positions().exclude(device)
    assert len(server.asked) == 1


def test_without_a_second_device_nothing_shows_how_the_server_takes_positions() -> None:
    assert not Server("strict", HELD[:1]).positions().exclude(real(500))


def test_what_concerns_every_request_ends_the_task() -> None:
    positions = Positions(Server("strict", HELD).page, HELD[:SIZE])

    def limited(_place: str) -> Page:
        raise ApiError("later", code="rate_limited", status=429)

    with pytest.raises(LicensingError, match="later"):
        Positions(limited, HELD[:SIZE]).exclude(real(1))
    assert positions.exclude(real(1))


@given(
    st.sampled_from(["strict", "any", "late", *NOWHERE]),
    st.sets(st.integers(0, 120), min_size=1),
    st.sets(st.integers(0, 120)),
    st.integers(0, 130),
    st.sampled_from("0123456789"),
)
def test_no_device_of_the_list_is_ever_excluded(
    how: str, held: set[int], others: set[int], number: int, last: str
) -> None:
    """Neither under its own id nor with a wrong check digit."""
    positions = Server(how, map(real, held), map(real, others)).positions()
    if positions.exclude(real(number)[:-1] + last):
        assert number not in held
