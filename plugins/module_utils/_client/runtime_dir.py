# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""State that the forks and jobs of one user share: a few small JSON files in a private directory.

A store has one operation, a transaction: it locks the named state, yields a dict, and saves it if it changed. The
operating system holds the lock and releases it when the process ends, even after kill -9.
"""

from __future__ import annotations

import contextlib
import copy
import errno
import fcntl
import json
import os
import stat
import tempfile
import threading
import time
import typing as t

from .._errors import LicensingError

StoredState = dict[str, t.Any]


class Damaged(StoredState):
    """Replaces a saved state that cannot be read. It is empty, but unlike a state that was never saved."""


class Store(t.Protocol):
    """Named, locked, durable-enough dictionaries.

    :ivar location: where they are kept; None if they are not kept.
    :ivar lasting: whether they outlive the job.
    """

    location: str | None
    lasting: bool

    def place(self, name: str) -> str:
        """Where the state C(name) is kept, for a person who wants to delete it."""

    def now(self) -> float:
        """Seconds since the epoch, by the clock that everyone with this store goes by."""

    def turn(self, name: str, patience: float) -> t.ContextManager[None]:
        """Let only one process at a time into the block.

        :param patience: seconds to wait for the others.
        :raises LicensingError: C(runtime_dir_unusable).
        """

    def transaction(self, name: str, *, patience: float = 30.0) -> t.ContextManager[StoredState]:
        """Lock the state C(name), yield it for reading and changing, and save it on a clean exit.

        :param patience: seconds to wait for the lock.
        :raises LicensingError: C(runtime_dir_unusable).
        """


class MemoryStore:
    """Used if C(runtime_dir) is empty. Nothing leaves the process or remains after it."""

    location: str | None = None
    lasting = False

    def __init__(self) -> None:
        self._states: dict[str, StoredState] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    @contextlib.contextmanager
    def transaction(self, name: str, *, patience: float = 30.0) -> t.Iterator[StoredState]:
        """See C(Store)."""
        with self._guard:
            lock = self._locks.setdefault(name, threading.Lock())
        if not lock.acquire(timeout=max(0.0, patience)):
            raise busy(name, patience)
        try:
            yield self._states.setdefault(name, {})
        finally:
            lock.release()

    def place(self, name: str) -> str:
        """See C(Store)."""
        return name

    def now(self) -> float:
        """See C(Store)."""
        return time.time()

    @contextlib.contextmanager
    def turn(self, name: str, patience: float) -> t.Iterator[None]:
        """See C(Store)."""
        with self.transaction(name, patience=patience):
            yield


class FileStore:
    """Files in a directory that only the user can access.

    :param lasting: whether the directory outlives the job.
    """

    def __init__(self, directory: str, *, lasting: bool = True) -> None:
        self.location: str | None = directory
        self.lasting = lasting
        self._directory = directory
        _prepare(directory)

    def place(self, name: str) -> str:
        """See C(Store)."""
        return os.path.join(self._directory, name + ".json")

    def now(self) -> float:
        """See C(Store)."""
        return time.time()

    @contextlib.contextmanager
    def turn(self, name: str, patience: float) -> t.Iterator[None]:
        """See C(Store)."""
        with self._locked(name, patience):
            yield

    @contextlib.contextmanager
    def transaction(self, name: str, *, patience: float = 30.0) -> t.Iterator[StoredState]:
        """See C(Store)."""
        path = self.place(name)
        with self._locked(name, patience):
            state = _load(path)
            before = copy.deepcopy(state)
            try:
                yield state
            finally:
                # Saved even after an error: a refused login must still be counted when its exception is raised.
                if state != before:
                    self._save(path, state)

    @contextlib.contextmanager
    def _locked(self, name: str, patience: float) -> t.Iterator[None]:
        try:
            handle = os.open(
                os.path.join(self._directory, name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
        except OSError as error:
            raise _unusable(self._directory, error.strerror or "cannot be opened") from None
        try:
            self._wait_for_lock(handle, name, patience)
            yield
        finally:
            os.close(handle)

    @staticmethod
    def _wait_for_lock(handle: int, name: str, patience: float) -> None:
        end, pause = time.monotonic() + patience, 0.001
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EACCES):
                    raise
            if time.monotonic() >= end:
                raise busy(name, patience)
            time.sleep(pause)
            pause = min(0.05, pause * 1.5)

    def _save(self, path: str, state: StoredState) -> None:
        # Written in place, in one write, padded to the old length. Readers hold the lock, too, and a kill leaves either
        # the old text or the new one. (A rename would cost as much as the rest of a request.)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                text = json.dumps(state).encode().ljust(os.fstat(handle).st_size)
                if os.pwrite(handle, text, 0) != len(text):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            finally:
                os.close(handle)
        except OSError as error:
            raise _unusable(self._directory, error.strerror or "cannot be written") from None


def default_directory(environ: t.Mapping[str, str] | None = None) -> str:
    """The user's runtime directory (XDG), or one in the temporary directory with the user's number in its name."""
    environ = os.environ if environ is None else environ
    base = environ.get("XDG_RUNTIME_DIR")
    if base and os.path.isdir(base) and os.access(base, os.W_OK):
        return os.path.join(base, "thingspace-licensing")
    return os.path.join(tempfile.gettempdir(), f"thingspace-licensing-{os.geteuid()}")


def ends_with_job(environ: t.Mapping[str, str] | None = None) -> bool:
    """Whether this is a job of AWX, whose container ends with it, and with the container its default directory."""
    environ = os.environ if environ is None else environ
    return "JOB_ID" in environ and "AWX_HOST" in environ


def open_store(directory: str, warn: t.Callable[[str], None] | None = None) -> Store:
    """The store for the option C(runtime_dir). With an empty string, nothing is shared.

    :param warn: receives why nothing is shared, if the directory cannot be used and the user did not ask for it.
    :raises LicensingError: C(runtime_dir_unusable), the directory cannot be used, and there is nobody to warn.
    """
    try:
        lasting = directory != default_directory() or not ends_with_job()
        return FileStore(directory, lasting=lasting) if directory else MemoryStore()
    except LicensingError as error:
        if warn is None:
            raise
        warn(error.message)
        return MemoryStore()


def _prepare(directory: str) -> None:
    """Create the directory, or check that no other user can create or read files in it."""
    try:
        os.makedirs(os.path.dirname(os.path.abspath(directory)), exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.mkdir(directory, 0o700)
        status = os.lstat(directory.rstrip("/") or "/")
    except OSError as error:
        raise _unusable(directory, error.strerror or "cannot be created") from None
    if not stat.S_ISDIR(status.st_mode):
        raise _unusable(directory, "it is not a directory")
    if status.st_uid != os.geteuid():
        raise _unusable(directory, "it belongs to another user")
    if status.st_mode & 0o022:
        raise _unusable(directory, f"others may write to it (mode {stat.S_IMODE(status.st_mode):04o})")
    if not os.access(directory, os.W_OK | os.X_OK):
        raise _unusable(directory, "it is not writable")


def _load(path: str) -> StoredState:
    """The saved state. It is empty if nothing has been saved yet, and C(Damaged) if it cannot be read."""
    try:
        with open(path, encoding="utf-8") as stream:
            text = stream.read()
        state = json.loads(text) if text else {}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError):
        return Damaged()
    return state if isinstance(state, dict) else Damaged()


def _unusable(directory: str, why: str) -> LicensingError:
    return LicensingError(
        f"The directory for shared state, {directory}, cannot be used: {why}. Point 'runtime_dir' to a directory "
        "of your own with mode 0700, or set it to an empty string to share nothing.",
        code="runtime_dir_unusable",
    )


def busy(name: str, patience: float) -> LicensingError:
    """Another task needed a state for too long."""
    return LicensingError(
        f"Another task kept the shared state '{name}' locked for {patience:.0f} s. Run again when it is done.",
        code="runtime_dir_unusable",
    )
