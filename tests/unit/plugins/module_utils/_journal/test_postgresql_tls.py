# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which authorities count for the certificate of a database."""

from __future__ import annotations

import ssl
import typing as t
from pathlib import Path

import pytest
import trustme

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import open_journal
from ansible_collections.thingspace.licensing.tests.support import postgres
from ansible_collections.thingspace.licensing.tests.support.journals import never
from ansible_collections.thingspace.licensing.tests.support.postgres_proxy import Proxy, proxied


@pytest.fixture
def proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> t.Iterator[Proxy]:
    """Before a server whose certificate is from an authority of this machine, for a user without files of libpq."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "machine.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "machine.pem"))
    monkeypatch.setenv("HOME", str(tmp_path))
    # What the credential type of AWX sets if it has no certificate.
    monkeypatch.setenv("PGSSLROOTCERT", "")
    with proxied(postgres.server()) as made:
        made.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(made.tls)
        yield made


def address(proxy: Proxy, **more: str) -> str:
    return proxy.url(postgres.emptied().partition("@/")[2].partition("?")[0], **more)


def use(place: str) -> None:
    open_journal(place, write=True, told=never).close()


def refused(place: str) -> bool:
    with pytest.raises(LicensingError) as caught:
        use(place)
    return caught.value.code == "journal_unreachable" and "TLS cannot be trusted" in caught.value.message


@pytest.mark.parametrize("more", [{}, {"sslrootcert": ""}])
def test_if_none_is_named_those_of_the_machine_count(proxy: Proxy, more: dict[str, str]) -> None:
    """Libpq alone looks for a file in the home directory. The name of the server must still fit."""
    place = address(proxy, sslmode="verify-full", **more)
    use(place)
    assert refused(place.replace("127.0.0.1", "localhost"))
    proxy.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(proxy.tls)
    assert refused(place)


def test_the_mode_may_be_in_the_environment(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    use(address(proxy))


@pytest.mark.parametrize("where", ["the address", "the environment", "the home directory", "a service"])
def test_one_that_is_named_counts_alone(
    proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Wherever it is named: whoever has a private authority trusts no public one."""
    (tmp_path / ".postgresql").mkdir()
    private = tmp_path / ".postgresql" / ("root.crt" if where == "the home directory" else "other.crt")
    trustme.CA().cert_pem.write_to_path(private)
    place = address(proxy, sslmode="verify-full")
    if where == "the address":
        place += f"&sslrootcert={private}"
    elif where == "the environment":
        monkeypatch.setenv("PGSSLROOTCERT", str(private))
    elif where == "a service":
        (tmp_path / "service.conf").write_text(f"[ours]\nsslrootcert={private}\n")
        monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "service.conf"))
        place += "&service=ours"
    assert refused(place)


def test_those_of_the_machine_do_not_count_without_the_name_of_the_server(proxy: Proxy) -> None:
    """With C(verify-ca), the server could be anybody's whom a public authority knows. So it needs one that is named."""
    assert refused(address(proxy, sslmode="verify-ca"))


def test_a_machine_without_authorities(proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    assert refused(address(proxy, sslmode="verify-full"))
