# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All pages or an error, never a short list."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._client.paging import (
    FIRST,
    Page,
    as_rows,
    as_set,
    read_all,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import (
    ApiError,
    IncompleteList,
    LicensingError,
)
from ansible_collections.thingspace.licensing.tests.support.fakes import imei, imeis


def page(
    devices: t.Sequence[str], cursor: str = "", *, more: bool = False, assigned: int | None = None, total: int = 100
) -> Page:
    """One page."""
    return Page([(device, "then") for device in devices], total, assigned, more, cursor, None)


class Pages:
    """A fetch function that knows the readings: each a list of (cursor asked for, page)."""

    def __init__(self, *readings: list[tuple[str, Page]]) -> None:
        self.expected = [one for reading in readings for one in reading]

    def __call__(self, cursor: str) -> Page:
        assert self.expected, f"unexpected page {cursor!r}"
        wanted, found = self.expected.pop(0)
        assert cursor == wanted
        return found


def read(pages: Pages, first: Page | None = None) -> set[str]:
    """The ids, and every expected page was read."""
    found, _last = read_all(first, pages, as_set)
    assert pages.expected == []
    return set(found)


def incomplete(reading: list[tuple[str, Page]]) -> str:
    """Why a list is not trusted; it is read twice."""
    pages = Pages(reading, reading)
    with pytest.raises(IncompleteList) as raised:
        read(pages)
    assert pages.expected == []
    assert raised.value.code == "incomplete_list"
    return raised.value.message


def test_empty_account() -> None:
    assert read(Pages([(FIRST, page([], assigned=0))])) == set()


def test_one_page() -> None:
    assert read(Pages([(FIRST, page(["a", "b"], assigned=2))])) == {"a", "b"}


def test_cursors_are_sent_back_as_they_came() -> None:
    reading = [
        (FIRST, page(["a"], "a", more=True)),
        ("a", page(["b"], "b", more=True)),
        ("b", page(["c"], "x/y", assigned=3)),
    ]
    assert read(Pages(reading)) == {"a", "b", "c"}


def test_first_page_is_not_read_again_and_the_last_has_the_newest_counts() -> None:
    first, last = page(["a"], "a", more=True, assigned=9), page(["b"], assigned=2)
    assert read_all(first, Pages([("a", last)]), as_set) == ({"a", "b"}, last)


def test_rows_keep_times_and_order() -> None:
    found, _last = read_all(None, Pages([(FIRST, page(["b", "a"], assigned=2))]), as_rows)
    assert found == [("b", "then"), ("a", "then")]


def test_short_list() -> None:
    text = incomplete([(FIRST, page(["a"], "a", more=True)), ("a", page(["b"], assigned=3))])
    assert "it names 2 devices, and counts 3 assigned licenses" in text


@pytest.mark.parametrize("assigned", [0, 1, 2])
def test_more_devices_than_counted_is_no_short_list(assigned: int) -> None:
    assert read(Pages([(FIRST, page(["a", "b"], assigned=assigned))])) == {"a", "b"}


@pytest.mark.parametrize("devices", [[], ["a", "b"]])
@pytest.mark.parametrize("assigned", [None, -1])
def test_what_nobody_counts_is_not_whole(devices: list[str], assigned: int | None) -> None:
    assert "says how many there are" in incomplete([(FIRST, page(devices, assigned=assigned))])


@pytest.mark.parametrize("bought", [None, -1, 0, 1, 2, 3])
@pytest.mark.parametrize("assigned", [None, -1, 0, 1, 2, 3])
def test_who_else_counts_is_asked_unless_the_page_proves_it(assigned: int | None, bought: int | None) -> None:
    asked = []

    def recounted(last: Page) -> Page:
        asked.append(last)
        return last._replace(assigned=bought)

    pages = Pages(*[[(FIRST, page(["a", "b"], assigned=assigned))]] * 2)
    decides = bought if assigned is None or assigned < 2 else assigned
    if decides in (0, 1, 2):
        assert set(read_all(None, pages, as_set, recounted=recounted)[0]) == {"a", "b"}
        assert len(asked) == (assigned != 2)
    else:
        with pytest.raises(IncompleteList):
            read_all(None, pages, as_set, recounted=recounted)
        assert len(asked) == (0 if assigned == 3 else 2)


def test_count_of_the_last_page_decides() -> None:
    fell = [(FIRST, page(["a"], "a", more=True, assigned=9)), ("a", page(["b"], assigned=2))]
    assert read(Pages(fell)) == {"a", "b"}
    rose = [(FIRST, page(["a"], "a", more=True, assigned=2)), ("a", page(["b"], assigned=3))]
    assert "counts 3" in incomplete(rose)


@pytest.mark.parametrize("cursor", [FIRST, "a"])
def test_cursor_that_does_not_advance(cursor: str) -> None:
    reading = [(FIRST, page(["a"], "a", more=True)), ("a", page(["b"], cursor, more=True))]
    assert "its pages repeat" in incomplete(reading)


def test_page_that_says_more_without_saying_where() -> None:
    reading = [(FIRST, page(["a"], "", more=True))]
    pages = Pages(reading, reading)
    with pytest.raises(IncompleteList):
        read(pages)


@pytest.mark.parametrize(
    "reading",
    [
        [(FIRST, page(["a", "a"], assigned=2))],
        [(FIRST, page(["a"], "a", more=True)), ("a", page(["b", "a"], assigned=3))],
        [(FIRST, page(["a"], "a", more=True)), ("a", page(["a"], "b", more=True))],
    ],
)
def test_repeated_device(reading: list[tuple[str, Page]]) -> None:
    assert "a device is on it twice" in incomplete(reading)


def test_empty_page_with_more() -> None:
    assert "an empty page claims" in incomplete([(FIRST, page([], "1", more=True))])


def test_second_reading_heals_and_starts_anew() -> None:
    bad = [(FIRST, page(["a"], "a", more=True)), ("a", page(["b"], assigned=3))]
    good = [(FIRST, page(["a", "b"], "b", more=True)), ("b", page(["c"], assigned=3))]
    assert read(Pages(bad, good)) == {"a", "b", "c"}


def test_second_reading_reads_the_first_page_again() -> None:
    stale = page(["a"], "a", more=True)
    pages = Pages([("a", page(["a"], assigned=1)), (FIRST, page(["a"], assigned=1))])
    assert read(pages, stale) == {"a"}


def test_rows_of_a_reading_that_failed_are_gone() -> None:
    bad, good = [(FIRST, page(["a"], assigned=2))], [(FIRST, page(["a", "b"], assigned=2))]
    found, _last = read_all(None, Pages(bad, good), as_rows)
    assert found == [("a", "then"), ("b", "then")]


def test_failed_page_is_an_error_at_once() -> None:
    error = LicensingError("no", code="server_error")

    def fetch(cursor: str) -> Page:
        if cursor == FIRST:
            return page(["a"], "a", more=True)
        raise error

    with pytest.raises(LicensingError) as raised:
        read_all(None, fetch, as_set)
    assert raised.value is error


@given(st.integers(0, 60), st.lists(st.integers(1, 20), min_size=1, max_size=60), st.booleans())
def test_any_split_into_pages_gives_exactly_the_devices(count: int, sizes: list[int], first_given: bool) -> None:
    devices = imeis(count)
    rest, chunks = list(devices), []
    for size in [*sizes, 60]:
        chunks.append(rest[:size])
        rest = rest[size:]
        if not rest:
            break
    asked, reading = FIRST, []
    for number, chunk in enumerate(chunks):
        more = number < len(chunks) - 1
        cursor = chunk[-1] if chunk else FIRST
        reading.append((asked, page(chunk, cursor, more=more, assigned=count)))
        asked = cursor
    first = reading.pop(0)[1] if first_given else None
    assert read(Pages(reading), first) == set(devices)


@given(st.integers(2, 40), st.integers(1, 10), st.data())
def test_a_page_left_out_is_always_noticed(count: int, size: int, data: st.DataObject) -> None:
    devices = imeis(count)
    dropped = data.draw(st.integers(0, count - 1))
    kept = devices[:dropped] + devices[dropped + 1 :]
    chunks = [kept[start : start + size] for start in range(0, len(kept), size)]
    asked, reading = FIRST, []
    for number, chunk in enumerate(chunks):
        reading.append((asked, page(chunk, chunk[-1], more=number < len(chunks) - 1, assigned=count)))
        asked = chunk[-1]
    assert f"it names {count - 1} devices, and counts {count}" in incomplete(reading)


class Records:
    """A list whose cursors are not ids, and which others change between two pages.

    :param how: what a cursor is: the number of the next record, also if it is no multiple of the page size; only such
        a multiple, with others refused or rounded down; or a text that means nothing to others.
    :param changes: for each request, which device is removed or assigned before it is answered.
    """

    def __init__(self, how: str, size: int, changes: t.Iterable[int | None] = ()) -> None:
        self.how, self.size = how, size
        self.held = set(imeis(60))
        self.always = set(self.held)
        self.changes = list(changes)
        self.asked = 0

    def __call__(self, cursor: str) -> Page:
        number = self.changes[self.asked] if self.asked < len(self.changes) else None
        self.asked += 1
        if number is not None:
            self.held ^= {imei(number)}
            self.always.discard(imei(number))
        start = int(cursor.removeprefix("next-"))
        if start % self.size and self.how == "refuses":
            raise ApiError("Invalid index value", code="api_rejected", status=400)
        if self.how == "rounds":
            start -= start % self.size
        rest = sorted(self.held)[start:]
        following = f"{'next-' if self.how == 'text' else ''}{start + self.size}"
        return page(rest[: self.size], following, more=len(rest) > self.size, assigned=len(self.held))


HOW = ("records", "refuses", "rounds", "text")


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("size", [2, 7, 30, 59])
def test_a_list_by_record_number_that_nobody_changes(how: str, size: int) -> None:
    """If the pages can overlap, one reading is enough."""
    server = Records(how, size)
    found, _last = read_all(None, server, as_set)
    assert found == set(imeis(60))
    once = -(-59 // (size - 1)) if how == "records" else -(-60 // size)
    assert server.asked <= (once + 1 if how == "records" else 2 * (once + 1))


@given(
    st.sampled_from(HOW),
    st.integers(1, 12),
    st.lists(st.one_of(st.none(), st.integers(0, 69)), max_size=60),
    st.booleans(),
)
def test_a_device_that_keeps_its_license_is_on_the_list(
    how: str, size: int, changes: list[int | None], once: bool
) -> None:
    """Whatever others do while it is read by record number. A removal further up moves all that follow."""
    if once:
        changes = [number if place == 4 else None for place, number in enumerate(changes)]
    server = Records(how, size, changes)
    try:
        found, _last = read_all(None, server, as_set)
    except IncompleteList:
        assert any(number is not None for number in changes)
        assert not once or how != "records" or size == 1
    else:
        assert found >= server.always


@given(st.integers(2, 20), st.integers(0, 59))
def test_one_removal_costs_one_more_reading(size: int, number: int) -> None:
    server = Records("records", size, [None, None, number])
    found, _last = read_all(None, server, as_set)
    assert found >= server.always
    assert server.asked <= 2 * (60 // (size - 1) + 2)


def test_a_page_that_has_the_shared_record_only_is_read_by_its_own_number() -> None:
    """Two readings must be the same then."""
    ids = imeis(3)
    pages = {
        FIRST: page(ids[:2], "2", more=True, assigned=3),
        "1": page(ids[1:2], "2", more=True, assigned=3),
        "2": page(ids[2:], "0", more=False, assigned=3),
    }
    asked: list[str] = []

    def fetch(cursor: str) -> Page:
        asked.append(cursor)
        return pages[cursor]

    found, _last = read_all(None, fetch, as_set)
    assert (found, asked) == (set(ids), [FIRST, "1", "2"] * 2)


class Leaving:
    """A list by IMEI, one of whose devices leaves the account before a request. Positions must be of the account.

    :param licensed: whether the license of that device stays.
    """

    def __init__(self, count: int, size: int, device: str, before: int, *, licensed: bool) -> None:
        self.size, self.device, self.before, self.licensed = size, device, before, licensed
        self.held, self.account = imeis(count), set(imeis(count))
        self.asked = 0

    def __call__(self, cursor: str) -> Page:
        if self.asked == self.before:
            self.account.discard(self.device)
            self.held = [one for one in self.held if self.licensed or one != self.device]
        self.asked += 1
        if cursor != FIRST and cursor not in self.account:
            text = "LastSeenDeviceId Not Valid"
            raise ApiError(text, code="api_rejected", status=400, api_message=text)
        rest = [one for one in self.held if one > cursor or cursor == FIRST]
        ids = rest[: self.size]
        return page(ids, ids[-1] if ids else "0", more=len(rest) > self.size, assigned=len(self.held))


@given(st.integers(1, 40), st.integers(2, 9), st.integers(0, 39), st.integers(0, 20), st.booleans())
def test_a_device_that_leaves_the_account_while_the_list_is_read(
    count: int, size: int, number: int, before: int, licensed: bool
) -> None:
    """Even if it is the last one of a page, and whether its license goes with it or stays for ever."""
    server = Leaving(count, size, imei(number), before, licensed=licensed)
    found, _last = read_all(None, server, as_set)
    assert found | {server.device} == set(imeis(count)) | {server.device}
    assert found >= set(server.held)
    pages = max(1, -(-count // size))
    assert server.asked <= (2 if before and not licensed else 1) * (pages + 2)


def test_a_position_of_the_list_that_is_always_refused() -> None:
    """If a page has no other device, the list cannot be read. Nothing about the request is to be corrected."""
    server = Leaving(3, 1, imei(0), 0, licensed=True)
    with pytest.raises(IncompleteList, match="left the account before the next page was read"):
        read_all(None, server, as_set)
    assert server.asked == 4, "it was read twice"


def test_another_refusal_of_a_position_is_told_as_it_is() -> None:
    refused = ApiError("no", code="api_rejected", status=400, api_message="Invalid index value")
    pages = {FIRST: page(imeis(2), imei(1), more=True, assigned=3)}

    def fetch(cursor: str) -> Page:
        if cursor not in pages:
            raise refused
        return pages[cursor]

    with pytest.raises(ApiError, match="no"):
        read_all(None, fetch, as_set)
