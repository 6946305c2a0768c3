# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations of the removal candidate list, over a client that knows which calls come."""

from __future__ import annotations

import re
import threading
import typing as t

import hypothesis
import pytest
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._client.client import Client
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import (
    ApiError,
    IncompleteList,
    LicensingError,
    TransportError,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._progress import Progress
from ansible_collections.thingspace.licensing.plugins.module_utils._swm.candidates import CandidatesApi
from ansible_collections.thingspace.licensing.plugins.module_utils._thingspace.api_versions import CandidatesVersion
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, refusal

Call = tuple[str, str, t.Any]

PATH = {version: f"/fota/{version}/licenses/{ACCOUNT}/cancel" for version in ("v1", "v2")}
NO_PATH = ApiError("no such path", code="api_rejected", status=404)
NO_API = ApiError("no such API", code="api_rejected", status=403, api_code="900906")
PAST = refusal("Index exceeds number of devices in list")


class Calls:
    """A client that expects these calls: (method, path, answer or error)."""

    progress = Progress()
    max_concurrency = 1

    def __init__(self, *calls: Call) -> None:
        self.calls = list(calls)
        self.bodies: list[t.Any] = []
        self.allowed = 0.0

    @staticmethod
    def mask(text: str) -> str:
        """Withhold what holds a secret."""
        return "withheld" if "secret" in text else text

    def get(self, operation: str, path: str) -> dict[str, t.Any]:
        """The next answer."""
        return self._next("GET", path)

    def post(self, operation: str, path: str, body: t.Any) -> dict[str, t.Any]:
        """The next answer."""
        self.bodies.append(body)
        return self._next("POST", path)

    def delete(self, operation: str, path: str) -> dict[str, t.Any]:
        """The next answer."""
        return self._next("DELETE", path)

    def allow(self, seconds: float) -> None:
        """Note it."""
        self.allowed = seconds

    def _next(self, method: str, path: str) -> dict[str, t.Any]:
        assert self.calls, f"unexpected {method} {path}"
        wanted, where, answer = self.calls.pop(0)
        assert (method, path) == (wanted, where)
        if isinstance(answer, Exception):
            raise answer
        return t.cast("dict[str, t.Any]", answer)


def make(version: CandidatesVersion, *calls: Call) -> tuple[CandidatesApi, Calls]:
    """The operations, and the calls they are to make."""
    client = Calls(*calls)
    return CandidatesApi(t.cast(Client, client), ACCOUNT, version), client


def page(devices: str, count: t.Any = None, more: t.Any = False, updated: str = "then") -> dict[str, t.Any]:
    """An answer that lists devices with names of one letter."""
    return {"count": count, "hasMoreData": more, "updateTime": updated, "deviceList": list(devices)}


def read(*answers: t.Any) -> list[str]:
    """What reading makes of these answers in version 2; each says itself where it starts: (record number, answer)."""
    calls = [("GET", f"{PATH['v2']}?startIndex={start}", answer) for start, answer in answers]
    api, client = make("v2", *calls)
    try:
        return api.read()
    finally:
        assert client.calls == []


def why(*answers: t.Any, again: tuple[t.Any, ...] | None = None) -> str:
    """Why a list that answers like this, and like C(again) to the two other readings, is not trusted."""
    with pytest.raises(IncompleteList, match="list of removal candidates cannot be trusted") as caught:
        read(*answers, *(answers if again is None else again) * 2)
    return caught.value.message.split("cannot be trusted: ")[1].split(". It was read again")[0]


@pytest.mark.parametrize(("version", "form"), [("v1", "/index/"), ("v2", "?startIndex=")])
def test_pages_go_by_record_number(version: CandidatesVersion, form: str) -> None:
    """Each one begins with the last device of the one before."""
    where = PATH[version] + form
    api, client = make(
        version,
        ("GET", where + "0", page("cab", 6, True)),
        ("GET", where + "2", page("bed", 6, True)),
        ("GET", where + "4", page("df", 6)),
    )
    assert (api.read(), client.calls) == (list("cabedf"), [])


@pytest.mark.parametrize("error", [NO_PATH, NO_API])
def test_the_other_form_of_the_path_is_taken_for_good(error: ApiError) -> None:
    index = PATH["v2"] + "/index/"
    api, client = make(
        "v2",
        ("GET", PATH["v2"] + "?startIndex=0", error),
        ("GET", index + "0", page("ab", 3, True)),
        ("GET", index + "1", page("bc", 3)),
        ("GET", index + "0", page("a", 1)),
        ("GET", index + "0", error),
    )
    assert (api.read(), api.read()) == (["a", "b", "c"], ["a"])
    with pytest.raises(ApiError) as caught:
        api.read()
    assert (caught.value, client.calls) == (error, [])


@pytest.mark.parametrize(
    "answers",
    [
        [PAST],
        [page("", 0)],
        [page(""), page("", 0)],
        [{"hasMoreData": False}, PAST],
        [{"hasMoreData": "False", "deviceList": None}, PAST],
    ],
)
def test_an_empty_list(answers: list[t.Any]) -> None:
    """Without a count, record 1 is asked for: record 0 would only say the same again."""
    assert read(*enumerate(answers)) == []


def test_a_list_that_gets_shorter_meanwhile_is_read_again() -> None:
    first = (0, page("ab", 4, True))
    assert read(first, (1, PAST), (2, PAST), (0, page("a", 1))) == ["a"]
    assert why(first, (1, PAST), (2, PAST)) == "it ended before its last page"
    three = (first, (1, page("bc", 4, True)), (2, PAST))
    assert why(*three) == "it was changed while it was read by record number"


NO_COUNTS = [(None, None), ("many", "many"), (True, "3.0"), (2, None), (None, 2), (None, 3)]


@pytest.mark.parametrize("counts", NO_COUNTS)
@pytest.mark.parametrize("end", [PAST, page(""), page("", 0), page("", 3)], ids=str)
def test_without_a_count_the_end_is_proved_by_reading_behind_it(counts: tuple[t.Any, t.Any], end: t.Any) -> None:
    assert read((0, page("ab", counts[0], True)), (1, page("bc", counts[1])), (3, end)) == ["a", "b", "c"]


@pytest.mark.parametrize("end", [page("d"), page("d", 4), page("c"), page("", 4), page("", None, True)], ids=str)
def test_without_a_count_a_list_that_goes_on_is_not_whole(end: t.Any) -> None:
    told = why((0, page("abc")), (3, end))
    assert told == "it has no count, and nothing proves that its 3 devices are all"
    assert why((0, page("")), (1, end)) == "it has no count, and nothing proves that its 0 devices are all"
    assert why((0, page("")), (1, page("")))
    # Another reading that is whole is good enough.
    assert read((0, page("abc")), (3, end), (0, page("abcd")), (4, PAST)) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("error", [refusal("Invalid index value"), TransportError("x", code="timeout", in_doubt=True)])
def test_without_a_count_another_error_proves_no_end(error: LicensingError) -> None:
    with pytest.raises(type(error)):
        read((0, page("abc")), (3, error))


@pytest.mark.parametrize("counts", [(3, 3), (2, 2), ("3", "3")])
def test_the_count_is_that_of_the_list_or_of_the_page(counts: tuple[t.Any, t.Any]) -> None:
    assert read((0, page("ab", counts[0], True)), (1, page("bc", counts[1]))) == ["a", "b", "c"]


@pytest.mark.parametrize("counts", [(1, 1), (2, 3), (3, 2)])
def test_counts_that_fit_neither(counts: tuple[t.Any, t.Any]) -> None:
    first = (0, page("ab", counts[0], True))
    assert "it names 3 devices" in why(first, (1, page("bc", counts[1])))


def test_a_count_that_does_not_fit() -> None:
    first = (0, page("ab", 4, True))
    assert why(first, (1, page("bc", 4))) == "it names 3 devices, and counts 4"
    assert read((0, page("ab", 3)), (0, page("abc", 3))) == ["a", "b", "c"]


def test_an_empty_page_that_promises_more() -> None:
    assert why((0, page("", 0, True))) == "an empty page claims that more devices follow"


def test_a_list_that_was_changed_between_two_pages() -> None:
    first = (0, page("ab", 3, True, "then"))
    changed, other = ((first, (1, page(devices, 3, False, "now"))) for devices in ("bc", "bd"))
    assert read(*changed, (0, page("ab", 3, True, "now")), (1, page("bd", 3, False, "now"))) == ["a", "b", "d"]
    # The time may be that of the answer: two readings alike are proof enough.
    assert read(*changed, *changed) == ["a", "b", "c"]
    with pytest.raises(IncompleteList, match="changed while it was read"):
        read(*changed, *other, *changed)


def test_a_device_that_moves_to_a_page_that_was_already_read() -> None:
    """Somebody takes b off and adds g. The count and the time stay, and no page would name d."""
    first, second = (0, page("abc", 6, True)), (2, page("cde", 6, True))
    again = ((0, page("acd", 6, True)), (2, page("def", 6, True)), (4, page("fg", 6)))
    assert read(first, (2, page("def", 6, True)), (3, page("efg", 6)), *again) == [*"acdefg"]
    assert read(first, second, (4, page("fg", 6)), *again) == [*"acdefg"]


@pytest.mark.parametrize("refused", [page("def", 6), refusal("Invalid index value")], ids=str)
def test_a_server_that_honors_its_own_record_numbers_only(refused: t.Any) -> None:
    """Two readings must be the same then."""
    plain = ((0, page("abc", 6, True)), (2, refused), (3, page("def", 6)))
    other = (*plain[:2], (3, page("deg", 6)))
    assert read(*plain, *plain) == read(*other, *plain, *plain) == [*"abcdef"]
    with pytest.raises(IncompleteList, match="do not show that they follow each other"):
        read(*plain, *other, *plain)


def test_another_error_of_an_overlapping_page_is_one() -> None:
    with pytest.raises(TransportError):
        read((0, page("ab", 3, True)), (1, TransportError("x", code="timeout", in_doubt=True)))


def test_a_page_that_comes_again_is_no_device_that_stands_twice() -> None:
    """The page from record 3 is the first one once more."""
    first = (0, page("abc", 6, True))
    assert read(first, (2, page("abc", 6)), (3, page("abc", 6)), *[(0, page("abc", 3))]) == ["a", "b", "c"]


def test_a_row_that_is_left_out_makes_the_next_page_repeat_one() -> None:
    """C(d) is missing, so that e is record 4 and not 3."""
    first = (0, page("abc", 6, True))
    assert "counts 6" in why(first, (2, page("ce", 6, True)), (3, page("ef", 6)))


def test_pages_of_one_device_cannot_overlap() -> None:
    ones = ((0, page("a", 3, True)), (1, page("b", 3, True)), (2, page("c", 3)))
    assert read(*ones, *ones) == ["a", "b", "c"]
    # A page gets so short that its number is that of the last device.
    short = ((0, page("ab", 3, True)), (1, page("b", 3, True)), (2, page("c", 3)))
    assert read(*short, *short) == ["a", "b", "c"]


def test_a_device_that_stands_on_it_twice() -> None:
    assert read(*[(0, page("aba", 3))] * 2) == ["a", "b", "a"]
    # It is seen twice when somebody changes the list between two pages.
    assert read((0, page("ab", 3, True)), (1, page("bb", 3)), (0, page("abc", 3))) == ["a", "b", "c"]


@pytest.mark.parametrize("more", [True, "true", " True "])
def test_true_in_words(more: t.Any) -> None:
    assert read((0, page("ab", 3, more)), (1, page("bc", 3, "false"))) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        ({}, "deviceList"),
        ({"hasMoreData": True}, "deviceList"),
        ({"deviceList": "a", "hasMoreData": False}, "deviceList"),
        ({"deviceList": [{"deviceId": "a"}], "hasMoreData": False}, "deviceList"),
        ({"deviceList": [1], "hasMoreData": False}, "deviceList"),
        ({"deviceList": ["a"]}, "hasMoreData"),
        ({"deviceList": [], "hasMoreData": "perhaps"}, "hasMoreData"),
        ({"deviceList": [], "hasMoreData": 0}, "hasMoreData"),
    ],
)
def test_answers_that_prove_nothing(answer: dict[str, t.Any], field: str) -> None:
    with pytest.raises(ApiError, match=f"lacks a usable '{field}'") as caught:
        read((0, answer))
    assert caught.value.code == "bad_answer"


def test_ids_with_secrets_are_withheld() -> None:
    """Only what is a plain number is surely none."""
    where = PATH["v1"] + "/index/0"
    ids = ["990000000000011", "a secret", "A1000000000001"]
    answer = {"count": 3, "hasMoreData": False, "deviceList": ids}
    api, _client = make("v1", ("GET", where, {**answer, "count": 1, "deviceList": ids[:1]}), ("GET", where, answer))
    assert (api.read(), api.withheld) == (ids[:1], False)
    assert (api.read(), api.withheld) == ([ids[0], "withheld", ids[2]], True)


@pytest.mark.parametrize(("version", "count"), [("v1", {}), ("v2", {"count": 2})])
def test_writes(version: CandidatesVersion, count: dict[str, int]) -> None:
    path = PATH[version]
    api, client = make(version, ("POST", path, {}), ("POST", path, {}), ("DELETE", path, {}))
    api.append(("b", "a"))
    api.replace(("b", "a"))
    api.delete()
    assert client.bodies == [
        {"type": "append", **count, "deviceList": ["b", "a"]},
        {**count, "deviceList": ["b", "a"]},
    ]
    api.allow(7.0)
    assert (client.calls, client.allowed) == ([], 7.0)


class Listed:
    """A client whose server lists these devices.

    :param size: devices on a page.
    :param count: what a page counts: the list, or itself.
    :param change: before which page somebody takes the first device off and adds another one at the end.
    :param told: whether C(updateTime) shows that.
    """

    progress = Progress()
    mask = staticmethod(Calls.mask)

    def __init__(
        self,
        devices: t.Sequence[str],
        size: int,
        count: str,
        at_once: int,
        change: int | None = None,
        told: bool = True,
    ) -> None:
        self.devices, self.size, self.count, self.change, self.told = list(devices), size, count, change, told
        self.max_concurrency = at_once
        self.asked: list[int] = []
        self.updated = "then"
        self._lock = threading.Lock()

    def get(self, operation: str, path: str) -> dict[str, t.Any]:
        """A page."""
        with self._lock:
            start = int(re.split("[=/]", path)[-1])
            self.asked.append(start)
            if self.change == len(self.asked):
                self.devices = [*self.devices[1:], "z"]
                self.updated = "now" if self.told else self.updated
            if start and start >= len(self.devices):
                raise PAST
            found = self.devices[start : start + self.size]
            count = {"list": len(self.devices), "page": len(found)}.get(self.count)
            more = start + self.size < len(self.devices)
            return page(t.cast(t.Any, found), count, more, updated=self.updated)


def listed_by(client: Listed) -> list[str]:
    """The list as it is read."""
    return CandidatesApi(t.cast(Client, client), ACCOUNT, "v2").read()


@hypothesis.given(
    st.integers(0, 60),
    st.integers(1, 9),
    st.sampled_from(["list", "page", "none"]),
    st.none() | st.integers(1, 9),
    st.booleans(),
)
def test_pages_that_are_asked_for_at_once_are_the_same_list(
    length: int, size: int, count: str, change: int | None, told: bool
) -> None:
    """A list that is read is the one before the change or the one after it, whether the server tells of it or not."""
    devices = [str(number) for number in range(length)]
    clients = [Listed(devices, size, count, at_once, change, told) for at_once in (1, 4)]
    for client in clients:
        try:
            assert listed_by(client) in (devices, client.devices)
        except IncompleteList:
            # Pages of one device cannot overlap, so two readings must be the same.
            assert size == 1
            assert change is not None
    if change is None:
        assert sorted(clients[0].asked) == sorted(clients[1].asked)


@pytest.mark.parametrize(
    ("length", "requests"), [(0, 1), (999, 1), (1000, 1), (1001, 2), (1999, 2), (2000, 3), (10_000, 11), (50_000, 51)]
)
@pytest.mark.parametrize("at_once", [1, 4])
def test_what_pages_that_overlap_cost(length: int, requests: int, at_once: int) -> None:
    """One request more at most for a list of up to 999 pages, and none for a single page."""
    client = Listed([str(number) for number in range(length)], 1000, "list", at_once)
    assert (listed_by(client), len(client.asked)) == (client.devices, requests)


def test_pages_are_asked_for_at_once() -> None:
    """The first one tells how many there are. The server answers the others only if four have arrived."""
    together = threading.Barrier(4, timeout=20)

    class Waiting(Listed):
        def get(self, operation: str, path: str) -> dict[str, t.Any]:
            if not path.endswith("=0"):
                together.wait()
            return super().get(operation, path)

    client = Waiting([str(number) for number in range(82)], 10, "list", 4)
    assert listed_by(client) == client.devices
    assert len(client.asked) == 9


@pytest.mark.parametrize("at_once", [1, 4])
@pytest.mark.parametrize("times", [2, 3])
def test_a_list_that_somebody_appended_twice(times: int, at_once: int) -> None:
    """A whole page of it names only devices of earlier pages. A task that could not read it could not repair it."""
    client = Listed([str(number) for number in range(15)] * times, 10, "list", at_once)
    assert listed_by(client) == client.devices


def test_a_server_that_ignores_the_record_number_and_repeats_its_last_device_first() -> None:
    class Ignoring(Listed):
        def get(self, operation: str, path: str) -> dict[str, t.Any]:
            return {**super().get(operation, "=0"), "count": 90}

    client = Ignoring([*"abcdefghia", *map(str, range(80))], 10, "list", 1)
    with pytest.raises(IncompleteList):
        listed_by(client)
    assert len(client.asked) < 90


@pytest.mark.parametrize("at_once", [1, 4])
@pytest.mark.parametrize("other_form", [True, False])
def test_a_server_that_ignores_the_record_number(other_form: bool, at_once: int) -> None:
    """It would be asked for ever. It may know the other documented form of the path."""

    class Ignoring(Listed):
        def get(self, operation: str, path: str) -> dict[str, t.Any]:
            form, start = ("index", path.rpartition("/")[2]) if "/index/" in path else ("query", "0")
            if form == "index" and not other_form:
                raise NO_PATH
            return super().get(operation, f"={start}")

    client = Ignoring([str(number) for number in range(90)], 10, "list", at_once)
    api = CandidatesApi(t.cast(Client, client), ACCOUNT, "v2")
    if other_form:
        assert api.read() == client.devices
    else:
        with pytest.raises(IncompleteList):
            api.read()
    assert len(client.asked) < 30
