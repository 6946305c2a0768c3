# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Behind a proxy: what failed before the request was written is sent again, what failed after it is in doubt."""

from __future__ import annotations

import ssl
import typing as t
from pathlib import Path

import pytest
import trustme

from ansible_collections.thingspace.licensing.plugins.module_utils._client import connection as connection_module
from ansible_collections.thingspace.licensing.plugins.module_utils._client import retry
from ansible_collections.thingspace.licensing.plugins.module_utils._client import transport as transport_module
from ansible_collections.thingspace.licensing.plugins.modules import fota_license, simsec_license
from ansible_collections.thingspace.licensing.tests.support import module_runner
from ansible_collections.thingspace.licensing.tests.support.hostile_proxy import Fate, Proxy
from ansible_collections.thingspace.licensing.tests.support.hostile_server import LIFETIME, Server

DEVICES = [f"99000000000000{number}" for number in range(3)]


class Place(t.NamedTuple):
    """A server with TLS behind a proxy, and a way to run modules there."""

    server: Server
    proxy: Proxy
    run: t.Callable[..., dict[str, t.Any]]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def place(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> t.Iterator[Place]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # So that the proxy can tell answers from the handshake.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    server = Server(context)
    proxy = Proxy(server.port)
    for name in ("HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("https_proxy", proxy.url)
    monkeypatch.setattr(retry, "BACKOFF_BASE", 0.0)
    # A proxy never stands before a server on this machine, but in this test.
    monkeypatch.setattr(transport_module, "is_loopback", lambda _host: False)

    def run(main: t.Callable[[], None], **options: t.Any) -> dict[str, t.Any]:
        own = {"base_url": server.base_url, "ca_path": str(tmp_path / "ca.pem"), "retries": 2}
        fixed = {"account": "0000123456-00001", "devices": DEVICES, "report": "all"}
        return module_runner.runner(main, None, monkeypatch, capsys, **own, **fixed)(**options)

    assert connection_module.is_loopback("127.0.0.1")
    yield Place(server, proxy, run)
    proxy.close()
    server.close()


class OnWrite:
    """Gives a tunnel its fate when a write is about to be sent: on a connection of its own."""

    def __init__(self, place: Place, operation: str, fate: Fate, times: int) -> None:
        self._place, self._operation, self._fate, self._times = place, operation, fate, times

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        send = transport_module.Transport.send
        place = self._place

        def noted(
            transport: transport_module.Transport, request: transport_module.Request, limit: float
        ) -> transport_module.Response:
            mine = self._times and self._operation in request.operation
            if mine:
                self._times -= 1
                for worker in transport._idle:  # pylint: disable=protected-access
                    worker._adapter.close()  # pylint: disable=protected-access
            place.proxy.fate = self._fate if mine else "pass"
            return send(transport, request, limit)

        monkeypatch.setattr(transport_module.Transport, "send", noted)


BEFORE: list[Fate] = ["refuse", "407", "garbage", "close", "reset"]
AFTER: list[Fate] = ["close after the request", "reset after the request"]


@pytest.mark.parametrize("fate", AFTER)
def test_a_lifetime_license_is_bound_once(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fate: Fate
) -> None:
    OnWrite(place, "assign the", fate, 9).install(monkeypatch)
    journal = {"journal": str(tmp_path / "journal.sqlite"), "settle_time": 0}
    result = place.run(simsec_license.main, sku=LIFETIME, state="present", lifetime_consent=3, **journal)
    assert len(place.server.executed) == 1, result
    assert {row["outcome"] for row in result["devices"]} == {"unknown"}
    assert result["changed"]
    again = place.run(simsec_license.main, sku=LIFETIME, state="present", lifetime_consent=3, **journal)
    assert len(place.server.executed) == 1
    assert {row["outcome"] for row in again["devices"]} == {"unchanged"}, "the count tells"


@pytest.mark.parametrize("fate", BEFORE)
def test_what_never_reached_the_server_is_sent_again(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fate: Fate
) -> None:
    OnWrite(place, "assign the", fate, 1).install(monkeypatch)
    journal = {"journal": str(tmp_path / "journal.sqlite")}
    result = place.run(simsec_license.main, sku=LIFETIME, state="present", lifetime_consent=3, **journal)
    assert not result.get("failed"), result
    assert len(place.server.executed) == 1
    assert {row["outcome"] for row in result["devices"]} == {"accepted"}


@pytest.mark.parametrize("fate", BEFORE)
def test_what_never_reached_the_server_is_called_unsent(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fate: Fate
) -> None:
    OnWrite(place, "assign the", fate, 9).install(monkeypatch)
    journal = {"journal": str(tmp_path / "journal.sqlite")}
    result = place.run(simsec_license.main, sku=LIFETIME, state="present", lifetime_consent=3, **journal)
    assert (result["failure"]["code"], result["changed"]) == ("connection_failed", False)
    assert place.server.executed == []
    assert {row["outcome"] for row in result["devices"]} == {"skipped"}


@pytest.mark.parametrize("fate", AFTER)
def test_a_synchronous_license_is_read_back(place: Place, monkeypatch: pytest.MonkeyPatch, fate: Fate) -> None:
    OnWrite(place, "assign the", fate, 1).install(monkeypatch)
    result = place.run(fota_license.main)
    assert not result.get("failed"), result
    assert len(place.server.executed) == 1
    assert {row["outcome"] for row in result["devices"]} == {"assigned"}


@pytest.mark.parametrize("fate", AFTER)
def test_a_password_is_sent_four_times_at_most(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fate: Fate
) -> None:
    OnWrite(place, "log in", fate, 99).install(monkeypatch)
    for _task in range(4):
        assert place.run(fota_license.main, runtime_dir=str(tmp_path / "runtime"))["failed"]
    assert 1 <= place.server.logins <= 4
