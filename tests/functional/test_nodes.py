# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two nodes that share nothing but a database: whatever happens to one of them, no device gets a license twice."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import time
import typing as t
from collections import Counter
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import open_journal
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.stores import open_store
from ansible_collections.thingspace.licensing.tests.support import postgres
from ansible_collections.thingspace.licensing.tests.support.fleets import Fleet
from ansible_collections.thingspace.licensing.tests.support.harness import (
    ACCOUNT,
    Json,
    Module,
    Outcome,
    Receiver,
    Running,
    Simulator,
    imeis,
)
from ansible_collections.thingspace.licensing.tests.support.journals import never
from ansible_collections.thingspace.licensing.tests.support.postgres_proxy import Proxy, proxied

FLEX, LIFETIME = "SIMSec-IoT", "SIMSec-IoT-Lt"
WANTED = imeis(25)
SENDING = ["oauth_token", "session_login", "subscriptions_list", "callback_list", *["simsec_assign"] * 3]
FIRST = SENDING.index("simsec_assign")
RUN, REQUEST, ANSWER, END = (
    "INSERT INTO run",
    "INSERT INTO request",
    "SET state = 'accepted'",
    "SET ended = $1 WHERE id",
)
"""Statements in the transactions of a run."""


class Node:
    """A machine with a disk of its own, and its way to the database."""

    def __init__(self, folder: Path, simulator: Simulator, proxy: Proxy, database: str) -> None:
        folder.mkdir()
        self.proxy = proxy
        self.module = Module(folder, simulator)
        self.journal = proxy.url(database, sslmode="disable", gssencmode="disable")

    def job(self, sku: str = LIFETIME, **more: t.Any) -> Json:
        return {
            "name": "simsec_license",
            "sku": sku,
            "journal": self.journal,
            "devices": WANTED,
            "lifetime_consent": len(WANTED) if sku == LIFETIME else None,
            "batch_size": 10,
            "max_concurrency": 1,
            "report": "all",
            **more,
        }

    def start(self, **options: t.Any) -> Running:
        return self.module.start(**self.job(**options))

    def run(self, **options: t.Any) -> Outcome:
        return self.start(**options).wait()


class Site:
    """A simulator, a database and two nodes."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack, *, receiver: bool = False) -> None:
        folder.mkdir()
        self.simulator = Simulator(folder, "--devices", "25")
        stack.callback(self.simulator.stop)
        self.address = stack.enter_context(postgres.new_journal())
        open_journal(self.address, write=True, told=never).close()
        self.database = self.address.partition("@/")[2].partition("?")[0]
        self.a, self.b = (self._node(folder / name, stack) for name in "ab")
        self.simulator.quirks(simsec_delay=0.05)
        self.simulator.listen()
        if receiver:
            stack.callback(Receiver(folder, self.address, self.simulator).stop)

    def _node(self, folder: Path, stack: contextlib.ExitStack) -> Node:
        node = Node(folder, self.simulator, stack.enter_context(proxied(postgres.server())), self.database)
        stack.callback(node.module.close)
        return node

    def pass_time(self) -> None:
        """Let everything that was accepted be carried out, and some time pass in the journal."""
        self.simulator.control("POST", "callbacks", {"flush": True, "wait": 20})
        postgres.let_time_pass(self.address)

    def sent(self) -> Counter[str]:
        """How often each device was in a request that reached ThingSpace, whatever came back."""
        requests = self.simulator.requests("simsec_assign")
        return Counter(device for request in requests for device in request["devices"])

    def ends_right(self) -> None:
        """The other node goes on; nothing in doubt is sent again unasked, and in the end all hold one license."""
        lost = set(self.sent()) - self.simulator.holders(LIFETIME)
        again = self.b.run()
        self.pass_time()
        assert self.sent() <= Counter(WANTED), "no device was sent twice"
        doubtful = {device for device, outcome in again.rows.items() if outcome == "unknown"}
        assert set(WANTED) - self.simulator.holders(LIFETIME) <= doubtful, "none is missed without a word"
        assert lost <= doubtful
        assert again.code == ("outcome_unknown" if doubtful else None)
        if doubtful:
            last = self.a.run(retry_unknown=True)
            self.pass_time()
            assert not last.failed, last.message
        assert self.simulator.sends() <= Counter(WANTED), "nothing that took effect was sent again"
        assert self.simulator.holders(LIFETIME) == set(WANTED)


@pytest.fixture
def site(tmp_path: Path) -> t.Iterator[Site]:
    with contextlib.ExitStack() as stack:
        yield Site(tmp_path / "site", stack)


def each(tmp_path: Path, cases: t.Iterable[t.Any], one: t.Callable[[Site, t.Any], None]) -> None:
    """Do the same in every case, several at a time, each at a site of its own."""
    with contextlib.ExitStack() as stack, concurrent.futures.ThreadPoolExecutor(4) as pool:
        listed = list(cases)

        def at(number: int) -> None:
            one(Site(tmp_path / str(number), stack), listed[number])

        for number, done in [(number, pool.submit(at, number)) for number in range(len(listed))]:
            error = done.exception()
            assert error is None, f"{listed[number]}: {error!r}"


@pytest.mark.parametrize("sku", [FLEX, LIFETIME])
def test_the_same_job_again_on_the_other_node_sends_nothing(site: Site, sku: str) -> None:
    """As a second job, and as a relaunch of the first one: what was sent twice when the journal was a file."""
    first = site.a.run(sku=sku)
    assert (first.failed, first.changed) == (False, True)
    for node in (site.b, site.a, site.b):
        again = node.run(sku=sku)
        assert (again.failed, again.changed) == (False, False), again.message
        assert set(again.rows.values()) == {"accepted"}
    site.pass_time()
    assert site.simulator.holders(sku) == set(WANTED)
    assert site.sent() == dict.fromkeys(WANTED, 1)


def test_killed_at_every_request(tmp_path: Path) -> None:
    def one(site: Site, case: tuple[int, str]) -> None:
        number, effect = case
        site.simulator.faults({"action": "stall", "after": number, "effect": effect, "seconds": 60})
        running = site.a.start()
        end = time.monotonic() + 40
        while not site.simulator.faults()[0]["fired"]:
            assert running.process.poll() is None, running.wait().stdout
            assert time.monotonic() < end, "the request never came"
            time.sleep(0.05)
        running.kill()
        site.simulator.clear_faults()
        site.pass_time()
        site.ends_right()

    numbers = [(number, "done") for number in range(FIRST)]
    each(tmp_path, [*numbers, *((FIRST + at, effect) for at in range(3) for effect in ("none", "done"))], one)


def test_at_every_commit(tmp_path: Path) -> None:
    """Killed, or cut off from the database, as a transaction ends: before it reached the server, or after."""

    def one(site: Site, case: tuple[str, str, int, bool]) -> None:
        how, of, number, arrives = case
        site.a.proxy.cut_at("COMMIT\0", of=of, arrives=arrives, after=number, hold=how == "killed")
        running = site.a.start()
        assert site.a.proxy.reached.wait(40), running.wait().stdout
        if how == "killed":
            running.kill()
        else:
            told = running.wait()
            assert told.failed, "what may not be recorded is told"
            assert len(site.sent()) == (10 if of == ANSWER else 0), "nothing more was sent"
            assert told.code == ("not_recorded" if of == ANSWER else "journal_unreachable")
        site.pass_time()
        site.ends_right()

    killed = [("killed", *at) for at in ((RUN, 0), (REQUEST, 0), (ANSWER, 0), (REQUEST, 2), (ANSWER, 2), (END, 0))]
    cut = [("cut", *at) for at in ((RUN, 0), (REQUEST, 0), (ANSWER, 0))]
    each(tmp_path, [(*at, arrives) for at in (*killed, *cut) for arrives in (False, True)], one)


class Full(t.NamedTuple):
    """A moment from which on there is no room.

    :ivar when: a condition of the database.
    :ivar table: what cannot be written; None for everything.
    :ivar code: what the job fails with.
    :ivar sent: how many devices it has sent.
    :ivar outcome: what it says about these.
    """

    when: str
    table: str | None
    code: str | None = "journal_full"
    sent: int = 0
    outcome: str = "accepted"


FULL = {
    "everything": Full("true", None),
    "run": Full("true", "run"),
    "first intent": Full("true", "request"),
    "second intent": Full("TG_OP = 'INSERT' AND EXISTS (SELECT FROM request)", "request", sent=10),
    "everything from the second intent on": Full(
        "EXISTS (SELECT FROM request WHERE state = 'accepted')", None, sent=10
    ),
    "answer": Full("TG_OP = 'UPDATE'", "request", "not_recorded", 10, "unknown"),
    "end": Full("TG_OP = 'UPDATE' AND NEW.ended IS NOT NULL", "run", None, 25),
}


def test_the_disk_of_the_database_is_full(tmp_path: Path) -> None:
    """Nothing is sent that is not recorded, what was sent is told, and with room again, it goes on."""

    def one(site: Site, case: str) -> None:
        full = FULL[case]
        postgres.fill_disk(site.database, full.when, full.table)
        told = site.a.run()
        rows = postgres.server().run("SELECT device_id FROM thingspace_licensing.entry", database=site.database)
        assert set(site.sent()) == {device for (device,) in rows}
        assert (len(rows), told.code, told.changed) == (full.sent, full.code, full.sent > 0)
        assert full.code is None or told.message.count("its disk is full") == told.message.count("Make room") == 1
        said = told.rows if "devices" in told.result else {}
        assert {device for device, outcome in said.items() if outcome == full.outcome} == set(site.sent())
        assert set(said.values()) <= {"skipped", full.outcome}
        postgres.free_disk(site.database)
        site.pass_time()
        site.ends_right()

    each(tmp_path, FULL, one)


def test_the_database_is_restarted_under_a_run(site: Site) -> None:
    site.simulator.faults({"action": "stall", "operation": "simsec_assign", "effect": "done", "after": 1, "seconds": 5})
    running = site.a.start()
    end = time.monotonic() + 40
    while site.simulator.count("simsec_assign") < 2:
        assert time.monotonic() < end
        time.sleep(0.02)
    postgres.server().restart()
    told = running.wait()
    assert told.code in ("journal_unreachable", "interrupted", "not_recorded", "outcome_unknown"), told.message
    assert site.simulator.count("simsec_assign") == 2, "nothing more was sent"
    site.pass_time()
    site.ends_right()


def test_two_at_once(site: Site) -> None:
    site.simulator.quirks(latency=0.1)
    jobs = [node.start() for node in (site.a, site.b, site.a, site.b)]
    told = [job.wait() for job in jobs]
    assert [one.message for one in told if one.failed] == []
    assert sorted(one.changed for one in told) == [False, False, False, True]
    assert site.sent() == dict.fromkeys(WANTED, 1)


@pytest.mark.parametrize("state", ["present", "absent"])
def test_two_at_once_do_not_both_say_that_they_changed_a_fota_license(site: Site, state: str) -> None:
    """The second one waits, and finds everything as wanted. Check mode and info wait for nobody."""
    wanted: dict[str, t.Any] = {"devices": WANTED, "max_removals": 25, "report": "all"}
    job = {**wanted, "state": state, "batch_size": 10, "max_concurrency": 1}
    if state == "absent":
        assert not site.a.module(**wanted).failed
    site.simulator.forget_requests()
    site.simulator.quirks(latency=0.2)
    nodes = (site.a, site.b, site.a, site.b)
    jobs = [node.module.start(journal=node.journal, **job) for node in nodes]
    told = [job.wait() for job in jobs]
    assert [one.message for one in told if one.failed] == []
    assert sorted(one.changed for one in told) == [False, False, False, True]
    done = Counter(outcome for one in told for outcome in one.rows.values())
    assert done == {"assigned" if state == "present" else "removed": 25, "unchanged": 75}
    assert len(site.simulator.writes()) == 3
    site.simulator.quirks(latency=0.0)
    asked = [site.b.module(**job, journal=place).result["requests"] for place in (site.b.journal, None)]
    assert asked[0] == asked[1], "the lock needs no request"


def test_a_fota_job_that_waits_too_long_sends_nothing(site: Site) -> None:
    job: dict[str, t.Any] = {"devices": WANTED, "journal": site.b.journal, "deadline": 2}
    with contextlib.closing(open_store(site.address, write=False, told=never)) as other:
        with other.account_lock(ACCOUNT, 1, "SIM-Secure"):
            assert not site.b.module(**{**job, "devices": WANTED[:1]}).failed, "another kind of license"
        site.simulator.forget_requests()
        with other.account_lock(ACCOUNT, 1, "FOTA"):
            for more in ({"check": True}, {"name": "fota_license_info", "devices": None}):
                assert not site.b.module(**{**job, **more}).failed
            told = site.b.module(**job)
        assert told.code == "journal_locked"
        assert "Another job is sending FOTA changes for the account" in told.message
        assert site.simulator.writes() == []
    assert not site.b.module(**job).failed
    assert site.simulator.licensed() >= set(WANTED)


def until_assigning(site: Site, requests: int) -> None:
    """Wait until so many requests that assign FOTA licenses have arrived."""
    end = time.monotonic() + 40
    while site.simulator.count("fota_assign") < requests:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_journal_does_not_move_away_from_a_fota_job(site: Site, tmp_path: Path) -> None:
    """At the new place, the other node would send the same."""
    job: dict[str, t.Any] = {"devices": WANTED, "batch_size": 10, "max_concurrency": 1, "report": "all"}
    new = str(tmp_path / "new.db")
    move: dict[str, t.Any] = {
        "name": "simsec_journal",
        "from_journal": site.a.journal,
        "journal": new,
        "account": None,
        "deadline": 2,
    }
    site.simulator.faults({"action": "stall", "operation": "fota_assign", "effect": "done", "seconds": 8})
    first = site.a.module.start(journal=site.a.journal, **job)
    until_assigning(site, 1)
    assert site.b.module(**move).code == "journal_locked"
    for place in (site.b.journal, new):
        assert site.b.module(journal=place, **job).code == "journal_moved"
    assert Counter(first.wait().rows.values()) == {"assigned": 25}
    assert site.b.module(**move).changed
    told = site.b.module(**job, journal=new)
    assert (told.failed, told.changed) == (False, False)
    assert len(site.simulator.requests("fota_assign")) == 3
    assert site.b.module(**{**move, "from_journal": new, "journal": str(tmp_path / "newer.db")}).changed
    for place in (site.a.journal, new):
        for check in (True, False):
            assert site.a.module(journal=place, check=check, **job).code == "journal_moved"


def test_a_fota_job_whose_role_may_only_read(site: Site) -> None:
    """It needs no right for the lock. Where there is no journal and it may make none, nobody would see a lock."""
    role = f"only_reads_{site.database}"
    postgres.server().run(f"CREATE ROLE {role} LOGIN")
    address = site.address.replace("postgres@", f"{role}@")
    try:
        with postgres.new_journal() as empty:
            job: dict[str, t.Any] = {"devices": WANTED[:5], "journal": empty.replace("postgres@", f"{role}@")}
            assert not site.b.module(check=True, **job).failed
            assert site.b.module(**job).code == "journal_unusable"
            assert site.simulator.writes() == []
        grants = ("USAGE ON SCHEMA thingspace_licensing", "SELECT ON ALL TABLES IN SCHEMA thingspace_licensing")
        postgres.server().run(*(f"GRANT {one} TO {role}" for one in grants), database=site.database)
        assert not site.b.module(devices=WANTED[:10], journal=address).failed
        with (
            contextlib.closing(open_store(site.address, write=False, told=never)) as other,
            other.account_lock(ACCOUNT, 1, "FOTA"),
        ):
            assert site.b.module(devices=WANTED, journal=address, deadline=2).code == "journal_locked"
        assert site.simulator.licensed() == set(WANTED[:10])
    finally:
        postgres.server().run(f"DROP OWNED BY {role}", database=site.database)
        postgres.server().run(f"DROP ROLE {role}")


def test_a_fota_job_that_loses_its_lock_sends_nothing_more(site: Site) -> None:
    site.simulator.faults({"action": "stall", "operation": "fota_assign", "effect": "done", "after": 1, "seconds": 3})
    running = site.a.module.start(journal=site.a.journal, devices=WANTED, batch_size=5, max_concurrency=1, report="all")
    until_assigning(site, 2)
    postgres.server().end_sessions(site.database)
    told = running.wait()
    assert (told.code, "may be lost" in told.message) == ("interrupted", True)
    assert site.simulator.count("fota_assign") == 2
    assert Counter(told.rows.values()) == {"assigned": 10, "skipped": 15}
    again = site.b.module(journal=site.b.journal, devices=WANTED, report="all")
    assert Counter(again.rows.values()) == {"assigned": 15, "unchanged": 10}


def test_what_a_receiver_anywhere_hears_ends_the_wait_of_every_node(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        site = Site(tmp_path / "site", stack, receiver=True)
        told = site.a.run(wait=True, wait_timeout=20)
        assert not told.failed, told.message
        assert set(told.rows.values()) == {"assigned"}
        again = site.b.run(wait=True, wait_timeout=20)
        assert set(again.rows.values()) == {"unchanged"}
        info = site.b.module("simsec_license_info", journal=site.b.journal)
        assert (info.result["journal"][0]["confirmed"], info.result["drift"]) == (len(WANTED), [])
        log = (tmp_path / "site" / "receiver.log").read_text()
        assert "Traceback" not in log


def test_nodes_share_a_session_if_they_are_asked_to(site: Site) -> None:
    def start(node: Node, name: str = "fota_license_info", **more: t.Any) -> Running:
        shared: Json = {"journal": node.journal, "share_tokens": True}
        given: Json = {"account": None} if name == "session" else {}
        return node.module.start(name, **given, **{**shared, **more})

    def logins() -> tuple[int, int]:
        return site.simulator.count("oauth_token"), site.simulator.count("session_login")

    def tokens() -> list[str]:
        rows = postgres.server().run("SELECT state FROM thingspace_licensing.shared_state", database=site.database)
        states = [json.loads(text) for (text,) in rows]
        kept = [one for state in states for one in state.get("tokens", {}).values()]
        return [one[name] for one in kept for name in ("access", "session") if name in one]

    def at_once() -> list[Outcome]:
        outcomes = [one.wait() for one in [start(node) for node in (site.a, site.b) for _job in range(3)]]
        assert [one.code for one in outcomes] == [None] * 6
        return outcomes

    assert start(site.a, share_tokens=None, runtime_dir="").wait().code is None
    assert (logins(), tokens()) == ((1, 1), []), "only if they are asked to"
    outcomes = at_once()
    assert logins() == (2, 2)
    stale = start(site.b, password="last year's").wait()
    assert stale.code == "login_refused"
    site.simulator.clock(1260)
    outcomes += at_once()
    assert logins() == (3, 4), "one that was refused, and one after the session ended"
    held = tokens()
    assert len(held) == 3, "the access token of the other password, too"
    assert [one for one in outcomes if any(token in one.stdout + one.stderr for token in held)] == []
    assert not list(site.a.module.runtime_dir.glob("session-*"))
    foreseen, ended = (start(site.b, "session", state="absent", check=check).wait() for check in (True, False))
    assert (foreseen.changed, ended.changed, len(tokens())) == (True, True, 1)
    assert set(tokens()) < set(held), "the one of the other password, which cannot be ended with this one"
    assert not start(site.a, "session", state="absent", check=True).wait().changed
    shown = start(site.a, "session").wait()
    assert {shown.result["access_token"], shown.result["session_token"]} == set(tokens())


SECRET = "pa55-of-the-database"


def with_password(site: Site, user: str) -> str:
    """An address that works and has a password in it."""
    return site.a.journal.replace("postgres@", f"{user}:{SECRET}@")


def test_no_module_shows_the_password_of_the_database(site: Site) -> None:
    address = with_password(site, "postgres")
    gone = address.replace(site.database, "no_such_database")
    told = [
        site.a.run(journal=address),
        site.a.run(journal=None, check=True, env={"THINGSPACE_JOURNAL": address}),
        site.a.run(journal=address, no_such_option=1),
        site.a.run(journal=address, devices=["wrong"]),
        site.a.run(journal=gone),
        site.a.run(journal=f"postgresql://u:{SECRET}@[::1"),
        site.a.run(journal=f"host=127.0.0.1 port=1 password='{SECRET}'"),
        site.a.module("fleet_files", account=None, src="fleet.yml", offline=True, journal=address),
        site.a.module("simsec_license_info", journal=address, journal_only=True),
    ]
    for one in told:
        assert SECRET not in one.stdout + one.stderr
    if "invocation" in told[0].result:  # From ansible-core 2.21, only if the controller asks for it.
        assert told[0].result["invocation"]["module_args"]["journal"].startswith("postgresql://postgres:***")
    codes = [one.code for one in told]
    assert codes[:3] == [None, None, "invalid_options"]
    assert codes[4:7] == ["journal_unreachable", "journal_unusable", "journal_unreachable"]


def test_no_playbook_shows_the_password_of_the_database(tmp_path: Path) -> None:
    """Nor does what it writes; the commands that go on take the address from the environment."""
    with contextlib.ExitStack() as stack:
        site = Site(tmp_path / "site", stack, receiver=True)
        fleet = Fleet(tmp_path, site.simulator)
        fleet.write(1, {"ids": WANTED[:3], "simsec": FLEX})
        port = site.a.journal.partition("@127.0.0.1:")[2].partition("/")[0]
        # It begins with a keyword that is rarely the first.
        words = f"port={port} dbname={site.database} user=postgres password={SECRET} sslmode=disable gssencmode=disable"
        address = f"connect_timeout=5 host=127.0.0.1 {words}"
        given = ("-e", json.dumps({"fleet_journal": address}), "-vvv")
        plan, apply = fleet.plan(*given), fleet.apply(*given)
        assert (plan.returncode, apply.returncode) == (0, 0), plan.text + apply.text
        assert site.simulator.holders(FLEX) == set(WANTED[:3])
    assert not list(tmp_path.rglob("*connect_timeout*"))
    written = [path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file()]
    assert [text for text in (plan.text, apply.text, *written) if SECRET in text] == []
    for page in (plan.dest / "plan.md", apply.dest / "run.md"):
        assert 'THINGSPACE_JOURNAL="${THINGSPACE_JOURNAL:?' in page.read_text(encoding="utf-8")
