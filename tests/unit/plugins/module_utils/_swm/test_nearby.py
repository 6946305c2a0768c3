# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Very few pages of a large list, judged by the pages that the server is asked for."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import ApiError
from ansible_collections.thingspace.licensing.plugins.module_utils._swm.facts import Facts
from ansible_collections.thingspace.licensing.plugins.module_utils._swm.nearby import look_near
from ansible_collections.thingspace.licensing.plugins.module_utils._swm.search import DevicePage, Found, Search
from ansible_collections.thingspace.licensing.tests.support.fakes import imei

FACTS = Facts(True, True, "")


class Account:
    """A list of devices in pages of ten."""

    def __init__(self, numbers: t.Iterable[int], refused: t.Container[int] = ()) -> None:
        self.ids = [imei(number) for number in numbers]
        self.beginning = self.ids[:10]
        self.cursors: list[str] = []
        self.refused = {imei(number) for number in range(2000) if number in refused}

    def page(self, cursor: str) -> DevicePage:
        """One page."""
        self.cursors.append(cursor)
        if cursor in self.refused:
            raise ApiError("no", code="api_rejected", status=400, api_message="LastSeenDeviceId Not Valid")
        rest = [one for one in self.ids if cursor == "0" or one > cursor]
        return DevicePage(dict.fromkeys(rest[:10], FACTS), len(rest) > 10, rest[9] if len(rest) > 10 else "0")

    def look(self, *wanted: int, known: t.Iterable[int] = (), also: t.Iterable[int] = (), most: int = 2) -> Found:
        """Look for devices. They are all known, like those of the first page."""
        ids = [imei(number) for number in wanted]
        places = sorted({*self.beginning, *ids, *map(imei, known)})
        return look_near(self.page, Search(ids, places, {*map(imei, also)}), self.beginning, most, lambda _read: None)


@pytest.mark.parametrize(
    ("wanted", "begins", "shown"),
    [
        ([0, 3], ["0"], [0, 3]),
        ([12, 15], [imei(9)], [12, 15]),
        ([25], [imei(9), imei(19)], [25]),
        ([35], [], []),
        ([500, 501, 502, 503], [imei(500)], [501, 502, 503]),
        ([500, 501, 700, 701], [imei(500), imei(700)], [501, 701]),
        ([100, 200, 300, 400], [], []),
        ([*range(500, 560)], [], []),
        ([*range(500, 530)], [imei(500), imei(510)], [*range(501, 521)]),
        ([], [], []),
    ],
    ids=[
        "on the first page",
        "after the first page",
        "on the third page",
        "on the fourth page",
        "neighbors",
        "two groups",
        "scattered",
        "too many for two pages",
        "half of them",
        "none",
    ],
)
def test_where_pages_begin(wanted: list[int], begins: list[str], shown: list[int]) -> None:
    account = Account(range(1000))
    found = account.look(*wanted)
    assert account.cursors == begins
    assert found.facts.keys() == {imei(number) for number in shown}
    assert found.unread == (set(wanted) != set(shown))


def test_what_was_done_before_does_not_show_less() -> None:
    """Few are left to remove, but the task names the same devices."""
    near, far = range(500, 530), range(700, 1000, 50)
    for left in (near, [507]):
        account = Account(range(2000))
        shown = account.look(*left, *far, known=near, also=near).facts.keys()
        assert imei(507) in shown, left


def test_a_known_device_that_is_not_wanted_shows_the_first_one_too() -> None:
    account = Account(range(1000))
    assert account.look(500, 501, known=[498], also=[499]).facts.keys() == {imei(499), imei(500), imei(501)}
    assert account.cursors == [imei(498)]


def test_how_far_a_page_really_went_decides_about_the_next_one() -> None:
    """The first page is sparse, so more seems to be on the page than there is. The next one begins at its end."""
    account = Account([*range(0, 200, 20), *range(500, 900)])
    found = account.look(500, 501, *range(525, 600, 12))
    assert account.cursors == [imei(500)]
    assert found.facts.keys() == {imei(501)}
    account = Account([*range(0, 200, 20), *range(500, 900)])
    account.look(600, 615, 616)
    assert account.cursors == [imei(600), imei(610)]


def test_a_device_that_the_list_would_have_is_not_unread() -> None:
    account = Account([*range(500), *range(502, 1000)])
    assert account.look(500, 501, known=[499]).unread is False
    assert account.look(998, 999, 1500, known=[997]).unread is False
    assert account.look(300, 301, 800).unread is True


def test_a_refused_place_is_not_tried_again() -> None:
    account = Account(range(1000), refused=[500])
    assert account.look(500, 501, 502, 503).facts.keys() == {imei(502), imei(503)}
    assert account.cursors == [imei(500), imei(501)]
    account = Account(range(1000), refused=range(400, 600))
    assert account.look(500, 501, 502, 503).error is None
    assert len(account.cursors) == 2


def test_ids_that_are_no_such_numbers_are_expected_nowhere() -> None:
    account = Account(range(1000))
    account.beginning = ["A0000012345678"]
    assert account.look(500, 501).unread is True
    account.beginning = []
    assert account.look(500, 501).unread is True
    assert account.cursors == []
