# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The receiver's parts: credentials, group commit, answers, and the journal that fails and comes back."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sqlite3
import typing as t
from pathlib import Path

import aiohttp
import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._journal import (
    postgresql,
    postgresql_watch,
    waiting,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.confirmation import Caller, Confirmation
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import Recorded, Scope, open_journal
from ansible_collections.thingspace.licensing.plugins.module_utils._receiver.commit import AT_ONCE, GroupCommit
from ansible_collections.thingspace.licensing.plugins.module_utils._receiver.credentials import (
    PASSWORD,
    USERNAME,
    credentials,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._receiver.listener import ReceiverSettings, receiving
from ansible_collections.thingspace.licensing.plugins.module_utils._receiver.receiver import Accepted, Receiver, Reply
from ansible_collections.thingspace.licensing.plugins.module_utils._receiver.server import Server
from ansible_collections.thingspace.licensing.tests.support import postgres
from ansible_collections.thingspace.licensing.tests.support.journals import never
from ansible_collections.thingspace.licensing.tests.support.postgres_proxy import Proxy, proxied

PAIR = ("listener", "open sesame")
DEVICE = "864508030109877"
SERVER = Server.__module__


def body(request_id: str = "r1", **changes: t.Any) -> bytes:
    """A callback."""
    value = {
        "username": PAIR[0],
        "password": PAIR[1],
        "requestId": request_id,
        "deviceIds": [{"id": DEVICE, "kind": "Imei"}],
        "status": "Success",
    }
    return json.dumps({**value, **changes}).encode()


def fail(error: Exception) -> None:
    """Raise an error that was chosen beforehand."""
    raise error


class FakeJournal:
    """Remembers what it was given, unless told to fail."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.opened = self.closed = 0
        self.error: Exception | None = None
        self.poison = ""

    def open(self) -> FakeJournal:
        if isinstance(self.error, LicensingError):
            fail(self.error)
        self.opened += 1
        return self

    def confirm(self, confirmations: list[Confirmation], /) -> list[Recorded]:
        if self.error is not None:
            raise self.error
        ids = [one.request_id for one in confirmations]
        if self.poison in ids:
            raise UnicodeError(self.poison)
        known = {name for batch in self.batches for name in batch}
        if ids:
            self.batches.append(ids)
        return [Recorded("duplicate" if name in known else "recorded", "a", "s", DEVICE, "imei") for name in ids]

    def close(self) -> None:
        self.closed += 1


class Bench:
    """A receiver with a journal that can be made to fail."""

    def __init__(self, commit: GroupCommit, **hook: t.Any) -> None:
        self.loop = asyncio.new_event_loop()
        self.lines: list[str] = []
        self.commit = commit
        self.loop.run_until_complete(commit.check())  # as a receiver does that starts
        self.receiver = Receiver(commit, Accepted([PAIR]), log=self.lines.append, **hook)

    def take(self, request_id: str = "r1", **changes: t.Any) -> Reply:
        return self.take_all([body(request_id, **changes)])[0]

    def take_all(self, bodies: t.Sequence[bytes]) -> list[Reply]:
        """What arrives at the same time."""

        async def together() -> list[Reply]:
            return await asyncio.gather(*(self.receiver.take(one, "192.0.2.1") for one in bodies))

        return self.loop.run_until_complete(together())

    def health(self) -> Reply:
        return self.loop.run_until_complete(self.receiver.health())

    def close(self) -> None:
        """End the thread, and look for credentials in what was logged."""
        self.loop.run_until_complete(self.commit.close())
        self.loop.close()
        assert "sesame" not in "".join(self.lines)


class FakeBench(Bench):
    """A receiver with a journal that can be made to fail."""

    def __init__(self) -> None:
        self.journal = FakeJournal()
        self.told: list[tuple[Confirmation, Recorded]] = []
        self.hook_error: Exception | None = None
        super().__init__(GroupCommit(self.journal.open, "/nowhere/journal.db"), on_recorded=self.tell)

    def tell(self, confirmation: Confirmation, recorded: Recorded) -> None:
        self.told.append((confirmation, recorded))
        if self.hook_error is not None:
            raise self.hook_error


@pytest.fixture
def bench() -> t.Iterator[FakeBench]:
    """A receiver with a journal that can be made to fail."""
    made = FakeBench()
    yield made
    made.close()


def test_recorded_then_duplicate(bench: FakeBench) -> None:
    assert bench.take() == (200, {"status": "recorded"})
    assert bench.take() == (200, {"status": "duplicate"})
    assert [recorded.outcome for _one, recorded in bench.told] == ["recorded"]
    assert f"192.0.2.1 recorded request=r1 device=imei:{DEVICE} status=success" in bench.lines[0]
    assert len(bench.lines) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"password": "wrong"},
        {"username": "wrong"},
        {"username": "", "password": ""},
        {"password": None},
        {"password": "open sesame\ud800"},
        {"password": "wrong", "deviceIds": []},
    ],
)
def test_wrong_credentials(bench: FakeBench, changes: dict[str, t.Any]) -> None:
    assert bench.take(**changes)[0] == 401
    assert bench.journal.batches == []


def test_what_is_no_callback(bench: FakeBench) -> None:
    status, reply = bench.take(deviceIds=[])
    assert (status, reply["error"]) == (400, "bad_callback")
    assert bench.take_all([b"{"])[0].status == 400
    assert "refused 400 bad_callback: " in bench.lines[0]


def test_journal_that_fails_and_comes_back(bench: FakeBench) -> None:
    bench.journal.error = LicensingError("The journal /nowhere/journal.db is full.", code="journal_full")
    status, reply = bench.take()
    assert (status, reply["error"]) == (503, "journal_full")
    assert "/nowhere" not in json.dumps(reply)
    assert "not_recorded request=r1" in bench.lines[-1]
    assert bench.health().status == 503
    bench.journal.error = None
    assert bench.health() == (200, {"status": "ok"})
    assert bench.take()[0] == 200
    assert bench.told[0][0].request_id == "r1"
    assert (bench.journal.opened, bench.journal.closed) == (2, 1)


def test_a_lock_does_not_close_the_journal(bench: FakeBench) -> None:
    bench.journal.error = LicensingError("It is locked.", code="journal_locked")
    assert bench.take()[0] == 503
    bench.journal.error = None
    assert bench.take()[0] == 200
    assert bench.journal.opened == 1


def test_many_at_once_share_a_commit(bench: FakeBench) -> None:
    replies = bench.take_all([body(f"r{number}") for number in range(AT_ONCE + 100)])
    assert replies == [(200, {"status": "recorded"})] * (AT_ONCE + 100)
    assert [len(batch) for batch in bench.journal.batches] == [AT_ONCE, 100]


def test_one_that_cannot_be_recorded_does_not_harm_the_others(bench: FakeBench) -> None:
    bench.journal.poison = "r3"
    replies = bench.take_all([body(f"r{number}") for number in range(8)])
    assert [reply.status for reply in replies] == [200, 200, 200, 503, 200, 200, 200, 200]
    assert "internal_error" in "".join(bench.lines)


def test_a_hook_that_fails_changes_no_answer(bench: FakeBench) -> None:
    bench.hook_error = ValueError("sesame")
    assert bench.take().status == 200
    assert "hook_failed" in bench.lines[1]


def test_a_journal_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no journal" * 100, encoding="utf-8")
    path = str(tmp_path / "text")
    with pytest.raises(LicensingError) as caught:
        asyncio.run(GroupCommit(lambda: open_journal(path, write=True, told=never), path).check())
    assert caught.value.code.startswith("journal_")


@pytest.mark.parametrize("place", ["postgresql+psycopg://u:sesame@h/d", "'host=h password=sesame'"])
def test_a_place_that_can_be_no_journal(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    async def begin() -> None:
        async with receiving(ReceiverSettings(place, []), log=print):
            pytest.fail("it must not start")

    with pytest.raises(LicensingError) as caught:
        asyncio.run(begin())
    assert caught.value.code == "journal_unusable"
    assert "sesame" not in caught.value.message
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def real(tmp_path: Path) -> t.Iterator[tuple[Bench, Path]]:
    """A receiver with a real journal, which knows the request r1."""
    path = tmp_path / "journal.db"
    journal = open_journal(str(path), write=True, told=never)
    scope = Scope("0000123456-00001", "SIMSec-IoT", "imei")
    request = journal.intend(journal.begin_run(scope, "assign", None), scope, "assign", [DEVICE], "1-1")
    journal.accepted(request, "r1")
    journal.close()
    made = Bench(GroupCommit(lambda: open_journal(str(path), write=True, patience=0.05, told=never), str(path)))
    yield made, path
    made.close()


def test_real_journal(real: tuple[Bench, Path]) -> None:
    bench, _path = real
    assert bench.take("r2").body == {"status": "unmatched"}
    assert bench.take("r1").body == {"status": "recorded"}
    assert bench.take("r1").body == {"status": "duplicate"}


def test_real_journal_locked_by_another_process(real: tuple[Bench, Path]) -> None:
    bench, path = real
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert bench.take().body["error"] == "journal_locked"
    assert bench.health().status == 503
    other.execute("ROLLBACK")
    other.close()
    assert bench.take().body == {"status": "recorded"}


def test_real_journal_gone_and_restored(real: tuple[Bench, Path]) -> None:
    bench, path = real
    kept = path.with_suffix(".kept")
    backup = sqlite3.connect(kept)
    sqlite3.connect(path).backup(backup)
    backup.close()
    for name in ("", "-wal", "-shm"):
        Path(f"{path}{name}").unlink(missing_ok=True)
    assert bench.take().status == 503
    kept.rename(path)
    assert bench.take().body == {"status": "recorded"}


@pytest.mark.parametrize("table", ["entry", "callback"])
def test_a_database_without_room(table: str) -> None:
    """ThingSpace sends again what was not recorded, and there is room then."""
    with postgres.new_journal() as place:
        scope = Scope("0000123456-00001", "SIMSec-IoT", "imei")
        with contextlib.closing(open_journal(place, write=True, told=never)) as journal:
            request = journal.intend(journal.begin_run(scope, "assign", None), scope, "assign", [DEVICE], "1-1")
            journal.accepted(request, "r1")
        database = place.partition("@/")[2].partition("?")[0]
        postgres.fill_disk(database, table=table)
        bench = Bench(GroupCommit(lambda: open_journal(place, write=True, told=never), place))
        try:
            replies = bench.take_all([body("r1"), body("r2")])
            assert [(one.status, one.body["error"]) for one in replies] == [(503, "journal_full")] * 2
            assert bench.lines, "the log says why"
            postgres.free_disk(database)
            replies = bench.take_all([body("r1"), body("r2")])
            assert [one.body["status"] for one in replies] == ["recorded", "unmatched"]
        finally:
            bench.close()


def call(bench: Bench, caller: t.Callable[[socket.socket], bytes]) -> bytes:
    """What a caller returns, while the receiver has little patience."""

    def connected(port: int) -> bytes:
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            return caller(connection)

    async def scenario() -> bytes:
        server = Server(("127.0.0.1", 0), "/callback", bench.receiver, patience=0.3)
        try:
            return await asyncio.to_thread(connected, server.port)
        finally:
            await server.stop(0)

    return bench.loop.run_until_complete(scenario())


SLOW = b"POST /callback HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n"


@pytest.mark.parametrize(
    ("text", "answer"),
    [(b"", b""), (b"POST /callb", b""), (SLOW + b"{", b"HTTP/1.1 408 ")],
    ids=["idle", "head", "body"],
)
def test_slow_and_idle_callers_are_let_go(bench: FakeBench, text: bytes, answer: bytes) -> None:
    def caller(connection: socket.socket) -> bytes:
        for place in range(len(text)):
            connection.sendall(text[place : place + 1])
        return connection.makefile("rb").read()

    assert call(bench, caller)[:13] == answer


@pytest.mark.parametrize(("text", "answer"), [(b"POST /", b""), (SLOW, b"HTTP/1.1 408 ")], ids=["head", "body"])
def test_what_drips_gets_no_more_time_than_anything_else(bench: FakeBench, text: bytes, answer: bytes) -> None:
    def caller(connection: socket.socket) -> bytes:
        connection.sendall(text)
        connection.settimeout(0.05)
        for _number in range(100):
            try:
                return connection.recv(4096)
            except TimeoutError:
                pass
            except ConnectionError:
                return answer  # it was let go while a byte was on its way
            with contextlib.suppress(ConnectionError):
                connection.sendall(b"x")
        raise AssertionError("it is still there")

    assert call(bench, caller)[:13] == answer


def test_a_caller_that_takes_no_answer_is_let_go(bench: FakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def talkative() -> Reply:
        return Reply(200, {"status": "ok" * 2**23})

    async def scenario() -> None:
        server = Server(("127.0.0.1", 0), "/callback", bench.receiver, patience=0.3)
        with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            await asyncio.to_thread(connection.recv, 1)
            connection.sendall(b"GET /health")  # so a receiver that stops waits for the rest
            await asyncio.wait_for(server.stop(grace=60), 10)

    monkeypatch.setattr(bench.receiver, "health", talkative)
    bench.loop.run_until_complete(scenario())


def test_a_complete_request_keeps_its_place(bench: FakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> list[bytes]:
        server = Server(("127.0.0.1", 0), "/callback", bench.receiver)
        taken, go = asyncio.Event(), asyncio.Event()

        async def slow(_body: bytes, _peer: str) -> Reply:
            taken.set()
            await go.wait()
            return Reply(200, {"status": "recorded"})

        monkeypatch.setattr(bench.receiver, "take", slow)
        callers = [await asyncio.open_connection("127.0.0.1", server.port)]
        callers[0][1].write(b"POST /callback HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        await taken.wait()
        callers += [await asyncio.open_connection("127.0.0.1", server.port) for _number in range(3)]
        # There is room for one of these at a time. Each of the others has to wait until that one has had a chance.
        answers = [await reader.read(12) for reader, _writer in callers[1:3]]
        go.set()
        answers += [await callers[0][0].read(12)]
        for _reader, writer in callers:
            writer.close()
        await server.stop()
        return answers

    monkeypatch.setattr(SERVER + ".MAX_CONNECTIONS", 2)
    monkeypatch.setattr(SERVER + ".FAIR_SECONDS", 0.05)
    assert bench.loop.run_until_complete(scenario()) == [b"", b"", b"HTTP/1.1 200"]


def test_accepted_pairs_belong_together() -> None:
    accepted = Accepted([("new", "n"), ("old", "o")])
    tried = [("new", "n"), ("old", "o"), ("new", "o"), ("old", "n"), ("", ""), ("new", "")]
    assert [accepted.admits(Caller(*pair)) for pair in tried] == [True, True, False, False, False, False]
    assert Accepted([]).admits(Caller("", ""))
    assert "sesame" not in repr(Accepted([PAIR]))


def test_credentials_from_environment_and_files(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("open sesame\n", encoding="utf-8")
    environ = {USERNAME: "listener", f"{PASSWORD}_FILE": str(secret)}
    assert credentials({}, environ) == [PAIR]
    assert credentials({}, {**environ, f"{PASSWORD}_PREVIOUS": "old"}) == [PAIR, ("listener", "old")]
    assert credentials({USERNAME: "given"}, environ) == [("given", "open sesame")]


@pytest.mark.parametrize(
    ("environ", "code", "words"),
    [
        ({}, "missing_credentials", f"{USERNAME} and {PASSWORD} must be set"),
        ({USERNAME: "listener"}, "missing_credentials", f"{PASSWORD} must be set"),
        ({USERNAME: "listener", PASSWORD: ""}, "missing_credentials", f"{PASSWORD} must be set"),
        ({USERNAME: "u", PASSWORD: "sesame", f"{PASSWORD}_FILE": "/x"}, "invalid_options", "not both"),
        ({USERNAME: "u", f"{PASSWORD}_FILE": "/nowhere"}, "file_unreadable", "No such file"),
    ],
)
def test_credentials_that_are_amiss(environ: dict[str, str], code: str, words: str) -> None:
    with pytest.raises(LicensingError) as caught:
        credentials({}, environ)
    assert caught.value.code == code
    assert words in caught.value.message
    assert "sesame" not in caught.value.message


def test_anonymous_only_on_request_and_only_without_credentials() -> None:
    assert credentials({}, {}, allow_anonymous=True) == []
    with pytest.raises(LicensingError):
        credentials({}, {USERNAME: "listener"}, allow_anonymous=True)


def test_a_database_that_was_away(proxy: Proxy) -> None:
    """Restarted, cut off, or cut in the middle: what is not answered with success is sent again, and then recorded."""
    with postgres.new_journal() as address:
        database = address.partition("@/")[2].partition("?")[0]
        behind = proxy.url(database, sslmode="disable")
        bench = Bench(GroupCommit(lambda: open_journal(behind, write=True, patience=1, told=never), behind))
        assert bench.take("r0").body == {"status": "unmatched"}
        proxy.cut()
        assert bench.take("r1").body == {"status": "unmatched"}
        postgres.server().restart()
        assert bench.take("r2").body == {"status": "unmatched"}
        proxy.cut_at("INSERT INTO callback", arrives=True)
        assert (bench.take("r3").status, bench.health().status) == (503, 200)
        assert bench.take("r3").body == {"status": "unmatched"}
        proxy.refuse = True
        proxy.cut()
        refused = bench.take("r4")
        assert (refused.status, refused.body["error"], bench.health().status) == (503, "journal_unreachable", 503)
        proxy.refuse = False
        assert bench.take("r4").body == {"status": "unmatched"}
        bench.close()


@pytest.fixture
def proxy() -> t.Iterator[Proxy]:
    with proxied(postgres.server()) as made:
        yield made


@pytest.mark.parametrize("words", ["pg_is_in_recovery", "INSERT INTO callback"])
def test_it_ends_although_its_database_hangs(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it starts, and while it records."""
    for module in (waiting, postgresql, postgresql_watch):
        monkeypatch.setattr(module, "GRACE", 0.3)
    with proxied(postgres.server()) as proxy:
        name = postgres.emptied().partition("@/")[2].partition("?")[0]
        place = proxy.url(name, sslmode="disable", gssencmode="disable")
        proxy.cut_at(words, arrives=False, hold=True)

        async def serve() -> None:
            async with receiving(ReceiverSettings(place, [PAIR], port=0), log=lambda _line: None) as server:
                await asyncio.wait([asyncio.create_task(post(server.url))])

        async def post(url: str) -> None:
            async with aiohttp.ClientSession() as session, session.post(url, data=body()) as answer:
                told.append(answer.status)

        async def end() -> None:
            serving = asyncio.create_task(serve())
            while not proxy.reached.is_set():
                await asyncio.sleep(0.02)
            serving.cancel()
            await asyncio.wait([serving], timeout=60)
            assert serving.cancelled()
            await asyncio.sleep(0.02)

        told: list[int] = []
        asyncio.run(end())
        assert told in ([], [503])
