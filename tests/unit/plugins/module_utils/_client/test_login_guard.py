# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The count of logins: kept before they begin, whatever becomes of them, and never lost by accident."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import typing as t
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._client import login_guard, runtime_dir
from ansible_collections.thingspace.licensing.plugins.module_utils._client.login_answer import (
    AccessRefused,
    LoginRefused,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._client.login_guard import (
    APPLICATION,
    HOUR,
    SENT,
    USER,
    GuardRules,
    LoginGuard,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._client.runtime_dir import (
    FileStore,
    MemoryStore,
    Store,
    default_directory,
    open_store,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import (
    ApiError,
    LicensingError,
    TransportError,
)
from ansible_collections.thingspace.licensing.tests.support.fakes import CREDENTIALS, Clock, connection

REFUSED = LoginRefused("refused", code="login_refused", status=400)
LOST = TransportError("lost", code="timeout", in_doubt=True)
UNSENT = TransportError("unsent", code="connection_failed", in_doubt=False)
ENDS: tuple[LicensingError | None, ...] = (
    REFUSED,
    LOST,
    UNSENT,
    AccessRefused("gateway", code="auth_rejected", status=401),
    ApiError("page", code="bad_answer", status=200, in_doubt=True),
    ApiError("many", code="rate_limited", status=429),
    LicensingError("store", code="runtime_dir_unusable"),
    None,
)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(runtime_dir, "time", clock.module())
    return clock


def guard(store: Store, rules: GuardRules = USER, **given: t.Any) -> LoginGuard:
    return LoginGuard(store, connection(**{**CREDENTIALS, **given}), rules)


def end(one: LoginGuard, error: BaseException | None) -> str:
    """Try a login that ends like this; returns C(sent), or why it was not."""
    told = ""
    try:
        with one.attempt(1.0):
            told = "sent"
            if error is not None:
                raise error
    except LicensingError as found:
        return told or f"{found.code}: {found.message}"
    return told


def sent(one: LoginGuard, error: BaseException | None, times: int = 9) -> int:
    return [end(one, error) for _time in range(times)].count("sent")


@pytest.mark.parametrize(
    ("error", "most"), [(error, 2 if error is REFUSED else 9 if error in (UNSENT, None) else 4) for error in ENDS]
)
def test_how_often_a_password_is_sent(error: LicensingError | None, most: int, tmp_path: Path, clock: Clock) -> None:
    one = guard(FileStore(str(tmp_path)))
    assert sent(one, error) == most
    clock.now += HOUR - 1
    assert sent(one, error) == (0 if most < 9 else 9)
    clock.now += 1
    assert sent(one, error) == most


@pytest.mark.parametrize("ends", [True, False])
def test_a_count_that_ends_with_the_job_lets_a_refused_password_pass_once(
    ends: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of five jobs in containers of their own would send it again."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    for name in ("JOB_ID", "AWX_HOST"):
        (monkeypatch.setenv if ends else monkeypatch.delenv)(name, *(["1"] if ends else [False]))
    monkeypatch.setattr(login_guard, "_IN_PROCESS", MemoryStore())
    chosen = open_store(str(tmp_path / "chosen"))
    stores = (open_store(default_directory()), chosen, open_store(""))
    assert [sent(guard(store), REFUSED) for store in stores] == [1 if ends else 2, 2, 1]


@given(st.lists(st.tuples(st.sampled_from(ENDS), st.sampled_from("abc"), st.floats(0, HOUR / 2)), max_size=40))
def test_no_history_sends_a_password_five_times_an_hour(
    history: list[tuple[LicensingError | None, str, float]],
) -> None:
    clock, store = Clock(), MemoryStore()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runtime_dir, "time", clock.module())
        patch.setattr(login_guard, "_IN_PROCESS", store)
        times: dict[str, list[float]] = {}
        row: list[float] = []
        guards = {password: guard(store, password=password) for password in "abc"}
        for error, password, seconds in history:
            one = guards[password]
            if seconds < HOUR / 100:
                one.forget()
            if end(one, error) == "sent" and error is not UNSENT:
                if error is None:
                    times[password], row = [], []
                    continue
                row.append(clock.now)
                times.setdefault(password, []).append(clock.now)
            for stamps in (*times.values(), row):
                assert len([stamp for stamp in stamps if clock.now - stamp < HOUR]) <= SENT
            clock.now += seconds


def test_a_password_that_succeeded_and_is_stale_now_starts_from_nothing(tmp_path: Path) -> None:
    one = guard(FileStore(str(tmp_path)))
    assert [end(one, error) for error in (LOST, LOST, LOST, None)] == ["sent"] * 4
    assert sent(one, LOST) == 4


def test_a_success_does_not_give_a_stale_password_more_than_four(tmp_path: Path) -> None:
    store = FileStore(str(tmp_path))
    stale, right = guard(store, password="stale"), guard(store)
    count = 0
    for _turn in range(9):
        assert end(right, None) == "sent"
        count += sent(stale, LOST, 1)
    assert count == 4


def test_jobs_that_forget_each_time_do_not_lock_with_several_stale_passwords(tmp_path: Path) -> None:
    store, count = FileStore(str(tmp_path)), 0
    for job in range(9):
        one = guard(store, password=f"stale-{job % 3}")
        count += sent(one, REFUSED, 1)
        one.forget()
    assert count == 4
    (file,) = tmp_path.glob("*.json")
    assert f"delete {file}" in end(guard(store), None)


def test_a_job_that_forgets_each_time_does_not_lock(tmp_path: Path) -> None:
    one, count = guard(FileStore(str(tmp_path))), 0
    for _job in range(9):
        count += sent(one, REFUSED, 3)
        one.forget()
    assert count == 4
    message = end(one, REFUSED)
    (file,) = tmp_path.glob("*.json")
    assert f"delete {file}" in message
    file.unlink()
    assert end(one, None) == "sent"


@pytest.mark.parametrize(
    ("other", "shared"),
    [
        ({"client_id": "other", "client_secret": "other"}, True),
        ({"base_url": "https://API.test:443/api/"}, True),
        ({"base_url": "https://api.test./other/api"}, True),
        ({"username": "User "}, True),
        ({"base_url": "https://api.test:8443/api"}, False),
        ({"base_url": "https://other.test/api"}, False),
        ({"username": "other"}, False),
    ],
)
def test_the_count_belongs_to_the_user_on_that_host(other: dict[str, str], shared: bool, tmp_path: Path) -> None:
    store = FileStore(str(tmp_path))
    assert sent(guard(store), REFUSED) == 2
    assert sent(guard(store, USER, **other), REFUSED) == (0 if shared else 2)


def test_clients_of_one_process_share_without_a_directory() -> None:
    assert sent(guard(MemoryStore()), LOST, 3) == 3
    assert sent(guard(MemoryStore()), LOST) == 1
    assert "run again" in end(guard(MemoryStore()), LOST)


def test_a_kill_in_the_middle_of_a_login_loses_no_count(tmp_path: Path) -> None:
    for number in range(6):
        child = os.fork()
        if child == 0:
            with contextlib.suppress(LicensingError), guard(FileStore(str(tmp_path))).attempt(1.0):
                (tmp_path / f"sent-{number}").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            os._exit(0)
        os.waitpid(child, 0)
    assert len(list(tmp_path.glob("sent-*"))) == 4
    assert "was sent 4 times without a success" in end(guard(FileStore(str(tmp_path))), None)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ZeroDivisionError])
def test_what_nobody_foresaw_counts(error: type[BaseException], tmp_path: Path) -> None:
    one = guard(FileStore(str(tmp_path)))
    for _time in range(4):
        with pytest.raises(error):
            end(one, error())
    assert end(one, None).startswith("login_blocked: Not logged in: ")


def test_a_count_that_cannot_be_kept_sends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStore(str(tmp_path))

    def full(*_arguments: t.Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(LicensingError) as raised, guard(store).attempt(1.0):
        raise AssertionError("sent")
    assert raised.value.code == "runtime_dir_unusable"


DAMAGE = (
    b"{",
    b"\0" * 50,
    b"[]",
    b"\xff",
    b'{"attempts": []}',
    b'{"salt": "00", "attempts": []}',
    b'{"salt": "%s"}' % (b"0" * 32),
    b'{"salt": "%s", "attempts": [["k", NaN, "w", "sent"]]}' % (b"0" * 32),
    b'{"salt": "%s", "attempts": [["k", 1, "w", "fine"]]}' % (b"0" * 32),
    b'{"salt": "%s", "attempts": [1]}' % (b"0" * 32),
)


@pytest.mark.parametrize("content", DAMAGE)
def test_a_damaged_count_blocks_for_an_hour_and_says_so(content: bytes, tmp_path: Path, clock: Clock) -> None:
    one = guard(FileStore(str(tmp_path)))
    assert end(one, LOST) == "sent"
    (file,) = tmp_path.glob("*.json")
    file.write_bytes(content)
    for _time in range(2):
        message = end(one, None)
        assert f"{file}, was damaged" in message
        assert "'state: absent'" in message
        clock.now += HOUR / 2 - 1
    clock.now += 2
    assert end(one, None) == "sent"


def test_a_damaged_count_can_be_forgotten(tmp_path: Path) -> None:
    one = guard(FileStore(str(tmp_path)))
    end(one, LOST)
    (file,) = tmp_path.glob("*.json")
    file.write_bytes(b"{")
    one.forget()
    assert sent(one, LOST) == 4


def test_a_file_that_was_created_and_never_written_is_no_damage(tmp_path: Path) -> None:
    one = guard(FileStore(str(tmp_path)))
    end(one, None)
    (file,) = tmp_path.glob("*.json")
    file.write_bytes(b"")
    assert end(one, None) == "sent"


def test_a_clock_that_was_set_back_forgets_nothing_and_blocks_for_an_hour_at_most(tmp_path: Path, clock: Clock) -> None:
    one = guard(FileStore(str(tmp_path)))
    assert sent(one, LOST) == 4
    clock.now -= 1_000_000
    assert end(one, None).startswith("login_blocked: Not logged in: ")
    clock.now += HOUR - 1
    assert end(one, None).startswith("login_blocked: Not logged in: ")
    clock.now += 1
    assert end(one, None) == "sent"


def test_an_application_does_not_lock_so_only_its_refusals_count(tmp_path: Path, clock: Clock) -> None:
    one = guard(FileStore(str(tmp_path)), APPLICATION)
    assert sent(one, LOST) == 9
    assert sent(one, REFUSED) == 2
    message = end(one, None)
    assert message.startswith(
        "login_blocked: No access token was requested: ThingSpace refused this 'client_secret' 2 times for 'app'"
    )
    assert "lock the account" not in message
    assert sent(guard(FileStore(str(tmp_path)), APPLICATION, client_secret="other"), None, 1) == 1
    assert end(guard(FileStore(str(tmp_path))), None) == "sent", "the user is somebody else"
    one.forget()
    assert sent(one, REFUSED) == 2
    clock.now += HOUR
    assert end(one, None) == "sent"


def test_the_file_holds_no_secret(tmp_path: Path) -> None:
    end(guard(FileStore(str(tmp_path))), REFUSED)
    (file,) = tmp_path.glob("*.json")
    text = file.read_text()
    assert json.loads(text)["attempts"][0][3] == "refused"
    assert not [word for word in CREDENTIALS.values() if word in text + file.name]
    assert file.stat().st_mode & 0o777 == 0o600
