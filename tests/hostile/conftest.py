# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules run whole inside the test process, over real sockets, against a server that lies."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client import retry
from ansible_collections.thingspace.licensing.tests.support import module_runner
from ansible_collections.thingspace.licensing.tests.support.fakes import hash_quickly
from ansible_collections.thingspace.licensing.tests.support.hostile_server import Server


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[Server]:
    """An account with 100 FOTA licenses and 50 of each SKU, none of them assigned."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setattr(retry, "BACKOFF_BASE", 0.0)
    hash_quickly(monkeypatch)
    server = Server()
    yield server
    server.close()


Start = t.Callable[..., module_runner.Run]


@pytest.fixture
def runner(server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Start:
    """Makes a function that runs a module against C(server)."""

    def start(main: t.Callable[[], None], **options: t.Any) -> module_runner.Run:
        defaults = {"base_url": server.base_url, "retries": 2, "account": "0000123456-00001", **options}
        return module_runner.runner(main, None, monkeypatch, capsys, **defaults)

    return start
