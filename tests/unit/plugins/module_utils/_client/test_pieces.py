# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A list that is read in pieces is the list that a chain of pages gives, whatever the server does."""

from __future__ import annotations

import itertools
import threading
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._client.cuts import PAGES, Cuts
from ansible_collections.thingspace.licensing.plugins.module_utils._client.paging import (
    FIRST,
    Page,
    as_rows,
    read_all,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._error_codes import Code
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import (
    ApiError,
    IncompleteList,
    LicensingError,
    TransportError,
)
from ansible_collections.thingspace.licensing.tests.support.fakes import imei, imeis

SIZE = 3

INVALID = ApiError("LastSeenDeviceId Not Valid", code="api_rejected", status=400)


class Server:
    """An account whose list has pages of three devices.

    :param held: the licensed devices.
    :param known: the devices that are valid cursors; None if any id is.
    """

    def __init__(
        self, held: t.Iterable[str], known: t.Collection[str] | None = None, refusal: LicensingError = INVALID
    ) -> None:
        self.held, self.known, self.refusal = sorted(held), known, refusal
        self.asked: list[str] = []
        self._lock = threading.Lock()

    def __call__(self, cursor: str) -> Page:
        with self._lock:
            self.asked.append(cursor)
        if cursor != FIRST and self.known is not None and cursor not in self.known:
            raise self.refusal
        return self.page(cursor, [one for one in self.held if cursor == FIRST or one > cursor])

    def page(self, cursor: str, rest: list[str]) -> Page:
        del cursor
        devices = rest[:SIZE]
        last = devices[-1] if devices else FIRST
        return Page([(one, f"at {one}") for one in devices], 10_000, len(self.held), len(rest) > SIZE, last, SIZE)


class RecordNumbers(Server):
    """Its cursors are the numbers of records. It reads any other as the record at which that id would be."""

    def page(self, cursor: str, rest: list[str]) -> Page:
        start = int(cursor) if cursor.isdigit() and int(cursor) < 10_000 else len(self.held) - len(rest)
        found = super().page(cursor, self.held[start:])
        return found._replace(cursor=str(start + len(found.devices)))


class AnyOrder(Server):
    """Lists the devices in the order of their assignment."""

    def __call__(self, cursor: str) -> Page:
        self.asked.append(cursor)
        order = self.held[::2] + self.held[1::2]
        return self.page(cursor, order if cursor == FIRST else order[order.index(cursor) + 1 :])


class FromTheStart(Server):
    """Begins at the start if it does not like a cursor that it did not give out."""

    def __init__(self, held: t.Iterable[str]) -> None:
        super().__init__(held)
        self._given = {FIRST}

    def page(self, cursor: str, rest: list[str]) -> Page:
        found = super().page(cursor, rest if cursor in self._given else self.held)
        self._given.add(found.cursor)
        return found


class NothingThere(FromTheStart):
    """Has nothing after a cursor that it did not give out."""

    def page(self, cursor: str, rest: list[str]) -> Page:
        return super().page(cursor, rest) if cursor in self._given else Server.page(self, cursor, [])


class EndsEarly(FromTheStart):
    """Says that the list ends after a page that no cursor of its own led to."""

    def page(self, cursor: str, rest: list[str]) -> Page:
        own = cursor in self._given
        found = super().page(cursor, rest) if own else Server.page(self, cursor, rest)
        return found if own else found._replace(more=False)


class EndsInTheMiddle(Server):
    """Says on the way through the list that it ends, if it was not read from the start on."""

    def page(self, cursor: str, rest: list[str]) -> Page:
        found, begun = super().page(cursor, rest), self.held[SIZE * PAGES] in self.asked
        wrong = cursor != FIRST and not begun and cursor != self.held[SIZE - 1] and self.asked.count(FIRST) == 1
        return found._replace(more=False) if wrong and cursor in self.held[2 * SIZE - 1 : SIZE * 4] else found


class Inclusive(FromTheStart):
    """Begins with the device of a cursor that it did not give out."""

    def page(self, cursor: str, rest: list[str]) -> Page:
        if cursor in self._given:
            return super().page(cursor, rest)
        return Server.page(self, cursor, [one for one in self.held if one >= cursor])


class SkipsOne(FromTheStart):
    """Leaves out a device after a cursor that it did not give out."""

    def page(self, cursor: str, rest: list[str]) -> Page:
        return super().page(cursor, rest) if cursor in self._given else Server.page(self, cursor, rest[1:])


def read(server: Server, expected: t.Collection[str], at_once: int = 4) -> tuple[list[str], list[str]]:
    """The devices, and why they were read as a chain after an attempt to read pieces."""
    chained: list[str] = []
    rows, last = read_all(None, server, as_rows, cuts=Cuts(expected, at_once), chained=chained.append)
    assert [time for _device, time in rows] == [f"at {device}" for device, _time in rows]
    assert last.assigned == len(server.held)
    return [device for device, _time in rows], chained


HELD = imeis(4 * PAGES * SIZE + SIZE)


def test_as_many_pages_as_a_chain_if_the_account_holds_what_is_expected() -> None:
    server = Server(HELD, HELD)
    assert read(server, HELD[::-1]) == (HELD, [])
    assert len(server.asked) == len(set(server.asked)) == len(HELD) // SIZE
    position = {cursor: number for number, cursor in enumerate([FIRST, *HELD])}
    assert server.asked != sorted(server.asked, key=position.__getitem__), "it was read as a chain"


@given(
    st.sets(st.integers(0, 400), min_size=1, max_size=400),
    st.sets(st.integers(0, 400), max_size=400),
    st.booleans(),
    st.integers(1, 6),
)
def test_any_account_and_any_expectation(held: set[int], wanted: set[int], strict: bool, at_once: int) -> None:
    """Also where many wanted devices hold no license, and are no cursors."""
    server = Server([imei(number) for number in held], known=[imei(number) for number in held] if strict else None)
    found, chained = read(server, [imei(number) for number in wanted], at_once)
    assert (found, chained) == (server.held, [])
    assert len(server.asked) <= -(-len(held) // SIZE) + 2 * at_once


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (RecordNumbers, None),
        (AnyOrder, "not in the order"),
        (FromTheStart, "not in the order"),
        (NothingThere, None),
        (EndsEarly, None),
        (EndsInTheMiddle, "ends before"),
        (Inclusive, "not in the order"),
        (SkipsOne, "counts"),
    ],
)
def test_a_server_that_does_it_otherwise(kind: type[Server], why: str | None) -> None:
    server = kind(HELD)
    found, chained = read(server, HELD)
    assert sorted(found) == HELD
    assert (why is None) is (not chained)
    assert all(why in text for text in chained if why)


def test_a_device_that_is_gone_meanwhile_or_new() -> None:
    """As in a chain: the count that was answered last decides."""

    class Moving(Server):
        def page(self, cursor: str, rest: list[str]) -> Page:
            found = super().page(cursor, rest)
            if len(self.asked) == 10:
                self.held = [*self.held[:5], *self.held[6:]]
            return found

    server = Moving(HELD)
    found, _chained = read(server, HELD)
    assert set(server.held) <= set(found)


def lost(code: Code) -> TransportError:
    return TransportError("It broke.", code=code, in_doubt=True)


@pytest.mark.parametrize(
    "refusal",
    [
        *(ApiError("No.", code="api_rejected", status=status) for status in (400, 403, 404, 405, 422, 500)),
        *(lost(code) for code in ("connection_failed", "timeout", "answer_too_large")),
    ],
    ids=lambda error: str(getattr(error, "status", error.code)),
)
def test_a_cut_that_is_refused_is_no_cut(refusal: LicensingError) -> None:
    """The wanted devices hold no license, and this server refuses each of them as a cursor."""
    server = Server(HELD[::2], HELD[::2], refusal)
    assert read(server, HELD[1::2]) == (HELD[::2], [])
    assert not set(HELD[1::2]).isdisjoint(server.asked)


def test_a_cut_is_read_in_a_way_of_its_own() -> None:
    """One that is not repeated, because the list can do without it. All other pages are read as ever."""
    server, cuts = Server(HELD), Server(HELD)
    rows, _last = read_all(None, server, as_rows, cuts=Cuts(HELD, 4, cuts))
    assert [device for device, _time in rows] == HELD
    assert len(cuts.asked) == 3
    assert server.asked[:1] == [FIRST]
    assert HELD[SIZE - 1] in server.asked
    assert set(cuts.asked).isdisjoint(server.asked)


def test_a_task_that_must_end_does() -> None:
    with pytest.raises(TransportError):
        read(Server(HELD[::2], HELD[::2], lost("interrupted")), HELD[1::2])


def test_an_error_is_an_error_at_once() -> None:
    class Broken(Server):
        def page(self, cursor: str, rest: list[str]) -> Page:
            if len(self.asked) > 9:
                raise LicensingError("no", code="server_error")
            return super().page(cursor, rest)

    server = Broken(HELD)
    with pytest.raises(LicensingError, match="no"):
        read(server, HELD)
    assert len(server.asked) < len(HELD) // SIZE


def test_a_list_that_does_not_end() -> None:
    class Endless(Server):
        def page(self, cursor: str, rest: list[str]) -> Page:
            start = 0 if cursor == FIRST else int(cursor[2:]) + 1
            devices = [f"99{number:013}" for number in range(start, start + 1000)]
            return Page([(one, f"at {one}") for one in devices], None, 32_000, True, devices[-1], 1000)

    expected = [f"99{number:013}" for number in range(32_000)]
    with pytest.raises(IncompleteList, match="continues beyond"):
        read(Endless([]), expected)


def test_ids_of_any_length_are_no_places_to_cut() -> None:
    server = Server(HELD)
    odd = [*("8" * length for length in range(1, 20)), *(f"{one}0" for one in HELD)]
    assert read(server, odd) == (HELD, [])
    assert server.asked == [FIRST, *itertools.islice(HELD, SIZE - 1, len(HELD) - 1, SIZE)]


@pytest.mark.parametrize("number", [SIZE - 1, 4 * SIZE - 1])
def test_a_license_at_the_end_of_a_page_that_outlives_its_device(number: int) -> None:
    """Its id is refused as a position, although the list named it as one. A chain can begin at the device before."""
    gone = ApiError("no", code="api_rejected", status=400, api_message="LastSeenDeviceId Not Valid")
    known = [device for device in HELD if device != HELD[number]]
    found, chained = read(Server(HELD, known, gone), HELD)
    assert (found, len(chained)) == (HELD, 1)
    assert "left the account" in chained[0]
