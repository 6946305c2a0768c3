# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A list is whole, or it is an error; and no body takes more memory than it may."""

from __future__ import annotations

import base64
import gzip
import json
import tracemalloc
import typing as t
import zlib

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client.body import (
    MAX_BODY,
    MAX_DEVICES,
    NotWhole,
    TooLarge,
    read_body,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._client.fault import parse_json
from ansible_collections.thingspace.licensing.plugins.modules import (
    fota_license,
    fota_license_info,
    simsec_license_info,
    swm_removal_candidates,
    swm_removal_candidates_info,
)
from ansible_collections.thingspace.licensing.tests.hostile.conftest import Start
from ansible_collections.thingspace.licensing.tests.support import hostile_forms as forms
from ansible_collections.thingspace.licensing.tests.support.hostile_server import Ambush, Form, Server
from ansible_collections.thingspace.licensing.tests.support.module_runner import CREDENTIALS

DEVICES = [f"99000000000000{number}" for number in range(5)]
LISTS = {
    "fota_list": (fota_license_info.main, "devices"),
    "candidates_list": (swm_removal_candidates_info.main, "candidates"),
    "simsec_count": (simsec_license_info.main, "subscriptions"),
}


@pytest.fixture
def held(server: Server) -> Server:
    server.account.fota = dict.fromkeys(DEVICES, "2026-01-01T00:00:00.000Z")
    server.account.candidates = list(DEVICES)
    return server


@pytest.mark.parametrize("times", [1, 0], ids=["once", "always"])
@pytest.mark.parametrize("form", [*forms.BROKEN, *forms.ODD, *forms.REFUSING])
@pytest.mark.parametrize("operation", LISTS)
def test_a_list_is_whole_or_an_error(held: Server, runner: Start, operation: str, form: str, times: int) -> None:
    main, field = LISTS[operation]
    whole = runner(main)()[field]
    assert whole
    answer = {**forms.BROKEN, **forms.ODD, **forms.REFUSING}[form]
    held.ambush = Ambush(operation, answer, executed=True, times=times)
    result = runner(main)(**({"timeout": 0.5} if form in ("late", "dripping") else {}))
    assert result.get("failure", {}).get("code") not in ("internal_error", "invalid_options"), result
    if not result.get("failed"):
        assert result[field] == whole
    elif times == 1:
        assert not field or not result.get(field)
    assert not result["changed"]


def _page(**fields: t.Any) -> Form:
    def change(good: bytes) -> bytes:
        value = {**forms.json.loads(good), **fields}
        return forms.json.dumps({name: held for name, held in value.items() if held is not ...}).encode()

    return forms.around(forms.OK, change)


@pytest.mark.parametrize("more", [False, "false", None, ...], ids=str)
@pytest.mark.parametrize(
    "counts", [{}, {"assignedLicenses": ..., "totalLicenses": ...}], ids=["counted", "not counted"]
)
def test_a_page_that_stops_short(held: Server, runner: Start, more: t.Any, counts: dict[str, t.Any]) -> None:
    """What the page or the subscription counts is more than it names: C(exact) must not take it for the account."""
    short = [{"deviceId": device, "assignmentTime": ""} for device in DEVICES[:2]]
    held.ambush = Ambush("fota_list", _page(deviceList=short, hasMoreData=more, **counts), executed=True, times=0)
    result = runner(fota_license.main, devices=[DEVICES[0], "990000000000099"], state="exact", max_removals="100%")()
    assert result["failure"]["code"] in ("incomplete_list", "bad_answer"), result
    assert held.executed == []


@pytest.mark.parametrize("more", [False, "false", "no", 0], ids=str)
@pytest.mark.parametrize("names", [0, 1, 4])
def test_a_page_of_candidates_that_stops_short(held: Server, runner: Start, names: int, more: t.Any) -> None:
    """Nothing counts its devices: neither is the list rewritten from it, nor loses a candidate its license."""
    short = _page(deviceList=DEVICES[:names], hasMoreData=more, count=...)
    held.ambush = Ambush("candidates_list", short, executed=True, times=0)
    for main, options in (
        (swm_removal_candidates.main, {"devices": DEVICES[:1], "state": "absent"}),
        (fota_license.main, {"devices": DEVICES[:1], "state": "exact", "removal_candidates": "keep"}),
        (swm_removal_candidates_info.main, {}),
    ):
        result = runner(main, **options)()
        assert result["failure"]["code"] in ("incomplete_list", "bad_answer"), result
    assert held.executed == []


def test_candidates_without_a_count_are_whole_when_nothing_stands_behind_them(held: Server, runner: Start) -> None:
    held.ambush = Ambush("candidates_list", _page(count=...), executed=True, times=0)
    assert runner(swm_removal_candidates.main, devices=DEVICES[:1], state="absent")()["changed"]
    assert held.account.candidates == DEVICES[1:]


@pytest.mark.parametrize("state", ["present", "absent", "exact"])
def test_candidates_that_echo_a_secret(held: Server, runner: Start, state: str) -> None:
    """In an encoding that no log filter finds. It is not shown, and what is not known is never written back."""
    echo = base64.b64encode(CREDENTIALS["password"].encode()).decode()
    held.account.candidates.append(echo)
    listed = runner(swm_removal_candidates_info.main)()
    assert listed["candidate_count"] == len(DEVICES) + 1
    result = runner(swm_removal_candidates.main, devices=DEVICES[:1], state=state, report="all", _ansible_diff=True)()
    assert echo not in str([listed, result])
    assert result["changed"] is False
    assert state == "present" or result["failure"]["code"] == "bad_answer"
    assert held.account.candidates == [*DEVICES, echo]


class _Raw:
    """A body as it comes from a connection."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def stream(self, amount: int, decode_content: bool) -> t.Iterator[bytes]:
        assert not decode_content
        for start in range(0, len(self._data), amount):
            yield self._data[start : start + amount]


@pytest.mark.parametrize("layers", [1, 2])
def test_a_bomb_takes_no_more_memory_than_a_body_may(layers: int) -> None:
    bomb = gzip.compress(bytes(256 << 20), 1)
    for _layer in range(layers - 1):
        bomb = gzip.compress(bomb)
    headers = {"content-encoding": ", ".join(["gzip"] * layers)}
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            read_body(_Raw(bomb), headers, float("inf"), MAX_BODY)
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * MAX_BODY


SMALL = ["{}", "[]", "0", '""', "[[]]", '{"a":1}', '{"":[]}', '"abcd"', "1.5"]


def test_small_values_take_no_more_memory_than_an_answer_may() -> None:
    """Text of JSON may take 30 times its own size once it is parsed. Whatever it has, the largest of it is bounded."""
    for value in SMALL:
        for most in (MAX_BODY, MAX_DEVICES):
            text = f"[{','.join([value] * (most // (len(value) + 1)))}]".encode()
            with pytest.raises(TooLarge):
                read_body(_Raw(text), {}, float("inf"), most)
        marks = sum(map(value.count, ",:{[")) + 1
        fit = f"[{','.join([value] * (MAX_BODY // 8 // marks - 1))}]".encode()
        tracemalloc.start()
        try:
            assert parse_json(read_body(_Raw(fit), {}, float("inf"), MAX_BODY))
            _now, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 16 * MAX_BODY, value


def test_the_largest_honest_pages_fit() -> None:
    times = dict.fromkeys((f"time{number}" for number in range(6)), "2026-01-01T00:00:00.000Z")
    software = [{"name": f"application {number}", "version": "1.2.3"} for number in range(20)]
    named = {"deviceId": DEVICES[0], **times, **{f"field{n}": "some text" for n in range(12)}, "softwareList": software}
    attributes = [{"key": f"PrimaryPlaceOfUse{number}", "value": "Some street 12345"} for number in range(60)]
    device = {"deviceIds": [{"id": DEVICES[0], "kind": "imei"}] * 8, **times, "extendedAttributes": attributes}
    for row, count, most in ((named, 1000, MAX_BODY), (device, 2000, MAX_DEVICES)):
        text = json.dumps({"deviceList": [row] * count}).encode()
        assert read_body(_Raw(text), {}, float("inf"), most) == text


def test_many_values_are_no_page(held: Server, runner: Start) -> None:
    body = gzip.compress(b'{"deviceList":[' + b'{"a":1},' * 200_000 + b"{}]}")
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d"
    for operation, (main, _field) in LISTS.items():
        held.ambush = Ambush(operation, forms.around(head, lambda _good: body), executed=True, times=0)
        assert runner(main)()["failure"]["code"] == "answer_too_large"


@pytest.mark.parametrize("encoding", ["gzip, gzip, gzip", "br", "zstd", "gzip, br", "compress"])
def test_a_compression_that_was_not_asked_for_is_not_whole(encoding: str) -> None:
    with pytest.raises(NotWhole):
        read_body(_Raw(gzip.compress(b"{}")), {"content-encoding": encoding}, float("inf"), MAX_BODY)


@pytest.mark.parametrize(
    ("data", "headers"),
    [
        (b"{}", {}),
        (gzip.compress(b"{}"), {"content-encoding": "gzip"}),
        (gzip.compress(gzip.compress(b"{}")), {"content-encoding": "gzip, gzip"}),
        (zlib.compress(b"{}"), {"content-encoding": "deflate"}),
        (zlib.compress(b"{}")[2:-4], {"content-encoding": "deflate"}),
        (b"", {"content-encoding": "gzip"}),
    ],
    ids=["plain", "gzip", "gzip twice", "zlib", "bare deflate", "nothing"],
)
def test_whole_bodies(data: bytes, headers: dict[str, str]) -> None:
    length = {"content-length": str(len(data))}
    assert read_body(_Raw(data), {**headers, **length}, float("inf"), MAX_BODY) in (b"{}", b"")
    with pytest.raises(NotWhole):
        read_body(_Raw(data), {**headers, "content-length": str(len(data) + 1)}, float("inf"), MAX_BODY)
