# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module's real main() inside the test process."""

from __future__ import annotations

import contextlib
import json
import typing as t

import pytest
from ansible.module_utils import basic
from ansible.module_utils.common import warnings
from ansible.module_utils.common.parameters import PASS_VARS

from ansible_collections.thingspace.licensing.plugins.module_utils._client.connection import CONNECTION_SPEC
from ansible_collections.thingspace.licensing.plugins.module_utils._client.stop import Stop
from ansible_collections.thingspace.licensing.plugins.module_utils._fota import converge, info
from ansible_collections.thingspace.licensing.plugins.module_utils._swm import candidates as removal_candidates
from ansible_collections.thingspace.licensing.plugins.module_utils._swm.candidates import CandidatesApi
from ansible_collections.thingspace.licensing.plugins.module_utils._swm.licenses import FotaApi
from ansible_collections.thingspace.licensing.plugins.module_utils._thingspace.api_versions import (
    ApiVersion,
    CandidatesVersion,
)
from ansible_collections.thingspace.licensing.tests.support.fakes import BASE, CREDENTIALS, FakeThingSpace

OMIT = object()
"""The value of an option that is not given."""


class Run(t.Protocol):
    """Runs a module with these options; returns its result."""

    def __call__(self, **options: t.Any) -> dict[str, t.Any]:
        """See above."""


@contextlib.contextmanager
def arguments(options: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch) -> t.Iterator[None]:
    """Hand options to the next module; ansible-core has an interface for it from 2.19."""
    if "inject_invocation" in PASS_VARS:
        # From 2.21 a module repeats its options only if the controller asks for that.
        options = {"_ansible_inject_invocation": True, **options}
    try:
        from ansible.module_utils.testing import patch_module_args
    except ImportError:
        raw = json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode()
        with monkeypatch.context() as patch:
            patch.setattr(basic, "_ANSIBLE_ARGS", raw)
            yield
        return
    with patch_module_args(options):
        yield


@contextlib.contextmanager
def _signals(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[None]:
    """Leave signals as they were: a module keeps handling them to the end of its process."""
    installed: list[Stop] = []
    install = Stop.install

    def noted(stop: Stop) -> None:
        installed.append(stop)
        install(stop)

    with monkeypatch.context() as patch:
        patch.setattr(Stop, "install", noted)
        try:
            yield
        finally:
            for stop in reversed(installed):
                stop.close()


def runner(
    main: t.Callable[[], None],
    space: FakeThingSpace | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    **defaults: t.Any,
) -> Run:
    """A function that runs a module, over an account in memory if one is given."""
    for name in CONNECTION_SPEC:
        monkeypatch.delenv(f"THINGSPACE_{name.upper()}", raising=False)

    def operations(_client: t.Any, account: str, version: ApiVersion) -> FotaApi:
        return FotaApi(t.cast(t.Any, space), account, version)

    def candidates(_client: t.Any, account: str, version: CandidatesVersion) -> CandidatesApi:
        return CandidatesApi(t.cast(t.Any, space), account, version)

    if space is not None:
        monkeypatch.setattr(removal_candidates, "CandidatesApi", candidates)
        for flow in (converge, info):
            monkeypatch.setattr(flow, "FotaApi", operations)

    def run(**options: t.Any) -> dict[str, t.Any]:
        values = {"base_url": BASE, "runtime_dir": "", **CREDENTIALS, **defaults, **options}
        values = {name: value for name, value in values.items() if value is not OMIT}
        capsys.readouterr()
        # A process runs one module; what an earlier one in this process warned of is not this one's.
        warnings._global_warnings.clear()  # pylint: disable=protected-access
        with arguments(values, monkeypatch), _signals(monkeypatch), pytest.raises(SystemExit):
            main()
        return t.cast("dict[str, t.Any]", json.loads(capsys.readouterr().out))

    return run
