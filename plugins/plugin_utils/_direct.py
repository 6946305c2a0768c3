# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Direct execution: where nothing differs, a module of this collection runs in a fork of Ansible's worker.

Otherwise, Ansible packs the module and everything it imports into an archive, and a new Python unpacks and compiles
that for each task and host. This takes longer than most of these tasks. ansible-playbook loads an action plugin, and
with it the module, before it starts workers, so a fork of a worker can run the module at once. Its arguments, which
include secrets, are not written to a file.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import multiprocessing
import os
import signal
import sys
import tempfile
import traceback
import types
import typing as t

from ansible import constants
from ansible.module_utils import basic
from ansible.plugins.action import ActionBase
from ansible.release import __version__ as core_version

from ansible_collections.thingspace.licensing.plugins.module_utils._client.starter import CONTROLLER

KNOWN = frozenset({"2.19", "2.20", "2.21"})
"""Versions of ansible-core that are known to run a module this way. Others pack it."""

PROFILE = "legacy"
"""The name of the format in which Ansible passes arguments to a module of a collection."""

Result = dict[str, t.Any]
Beside = t.Callable[[], t.ContextManager[None]]


class Ended(t.NamedTuple):
    """What a module's process left.

    :param rc: its exit code; negative is the signal that ended it.
    """

    rc: int
    stdout: str
    stderr: str


class DirectAction(ActionBase):
    """The action of a module of this collection.

    Each module has a file with its own action. If all were routed to one file, the events of a job would name its
    module for every task.
    """

    _supports_async = True

    module: types.ModuleType

    _fork: Fork | None = None

    def run(self, tmp: str | None = None, task_vars: Result | None = None) -> Result:
        """Run the module."""
        result: Result = super().run(tmp, task_vars)
        result.update(self.run_module(self._task.args, task_vars or {}))
        return result

    @property
    def in_background(self) -> bool:
        """Whether the task does not wait for the module."""
        return bool(self._task.async_val) and not self._connection.has_native_async

    @property
    def is_local(self) -> bool:
        """Whether the module runs on this machine, as a child of this process."""
        return bool(self._connection.transport == "local") and not self.in_background

    def run_module(self, args: Result, task_vars: Result, beside: Beside = contextlib.nullcontext) -> Result:
        """Run the module with these arguments.

        :param beside: a context that lasts as long as the module runs.
        """
        with contextlib.ExitStack() as stack:
            if self.is_local:
                stack.enter_context(_naming_controller(self._task))
            if self._is_direct(task_vars):
                self._fork = Fork(self.module, beside)
            else:
                stack.enter_context(_uncollected())
                stack.enter_context(beside())
            result: Result = self._execute_module(module_args=args, task_vars=task_vars, wrap_async=self.in_background)
            return result

    def _is_direct(self, task_vars: Result) -> bool:
        """Whether a fork of this process is what Ansible would start, other than being packed."""
        return (
            self.is_local
            and not self._task.async_val
            and not self._connection.become
            and not vars(constants)["DEFAULT_KEEP_REMOTE_FILES"]
            and sys.platform == "linux"
            and ".".join(core_version.split(".")[:2]) in KNOWN
            and _is_this_python(self._templar.template(self._host_vars(task_vars).get("ansible_python_interpreter")))
        )

    def _host_vars(self, task_vars: Result) -> Result:
        if not self._task.delegate_to:
            return task_vars
        delegated: Result = task_vars.get("ansible_delegated_vars", {}).get(self._task.delegate_to, {})
        return delegated

    # Ansible has no other way to replace what these three do: pack a module, choose how to pass it, and start it.

    def _configure_module(self, module_name: str, module_args: Result, task_vars: Result) -> t.Any:
        if self._fork is None:
            return super()._configure_module(module_name, module_args, task_vars)
        from ansible.executor.module_common import _BuiltModule
        from ansible.module_utils.common.json import Direction, get_module_encoder

        encoder = get_module_encoder(PROFILE, Direction.CONTROLLER_TO_MODULE)
        self._fork.arguments = json.dumps({"ANSIBLE_MODULE_ARGS": module_args}, cls=encoder).encode()
        shebang = f"#!{sys.executable}"
        built = _BuiltModule(b_module_data=b"", module_style="new", shebang=shebang, serialization_profile=PROFILE)
        return built, f"{self.module.__file__} in a fork"

    def _is_pipelining_enabled(self, *args: t.Any, **kwargs: t.Any) -> bool:
        return self._fork is not None or bool(super()._is_pipelining_enabled(*args, **kwargs))

    def _low_level_execute_command(self, *args: t.Any, **kwargs: t.Any) -> Result:
        if self._fork is None:
            result: Result = super()._low_level_execute_command(*args, **kwargs)
            return result
        environment: Result = {}
        self._compute_environment_string(environment)
        variables = {name: str(value) for name, value in environment.items()}
        # Where Ansible runs commands of a local connection, and where relative paths begin.
        return self._fork.run(variables, self._loader.get_basedir())


class Fork:
    """A module that runs in a fork of this process.

    :param module: what to run.
    :param beside: a context that lasts as long as it runs.
    """

    def __init__(self, module: types.ModuleType, beside: Beside) -> None:
        self._module = module
        self._beside = beside
        self.arguments = b""

    def run(self, environment: t.Mapping[str, str], folder: str) -> Result:
        """Run it; returns what Ansible knows of a command that ended.

        :param environment: variables beyond those of this process.
        :param folder: the directory to run it in.
        """
        ended = in_fork(lambda: self._be_module(environment, folder), self._beside)
        lines = {"stdout_lines": ended.stdout.splitlines(), "stderr_lines": ended.stderr.splitlines()}
        return {**ended._asdict(), **lines}

    def _be_module(self, environment: t.Mapping[str, str], folder: str) -> None:
        from ansible.module_utils import _internal

        # Warnings belong in the module's result.
        _internal.is_controller = False
        os.chdir(folder)
        os.environ.update(environment)
        vars(basic).update(_ANSIBLE_ARGS=self.arguments, _ANSIBLE_PROFILE=PROFILE)
        self._module.main()


def controller() -> int:
    """The process id of ansible-playbook. A worker may outlive it, because it has its own session."""
    parent = multiprocessing.parent_process()
    return os.getppid() if parent is not None and parent.pid == os.getppid() else os.getpid()


def in_fork(run: t.Callable[[], None], beside: Beside = contextlib.nullcontext) -> Ended:
    """Run something in a fork of this process, with its standard streams as in a process that Ansible starts.

    If this process ends first or stops reading, the fork finds nobody at the other end of its standard output.

    :param beside: a context that lasts as long as the fork runs.
    """
    with tempfile.TemporaryFile() as errors:
        read, write = os.pipe()
        # Nothing may run beside it before the fork, because that could hold a lock that the fork would wait for.
        process = os.fork()
        if process == 0:
            _become(run, write, errors.fileno())
        os.close(write)
        with beside(), open(read, "rb") as stream:
            output = stream.read()
            rc = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        errors.seek(0)
        return Ended(rc, output.decode(errors="surrogateescape"), errors.read().decode(errors="surrogateescape"))


def _become(run: t.Callable[[], None], output: int, errors: int) -> t.NoReturn:
    """Be a process of its own that runs something and ends."""
    code = 1
    try:
        gc.freeze()
        gc.enable()
        os.dup2(output, 1)
        os.dup2(errors, 2)
        for handle in [int(name) for name in os.listdir("/proc/self/fd")]:
            if handle > 2:
                with contextlib.suppress(OSError):
                    os.close(handle)
        sys.stdout, sys.stderr = (
            io.TextIOWrapper(io.FileIO(number, "w", closefd=False), "utf-8", "surrogateescape", write_through=True)
            for number in (1, 2)
        )
        # Ansible's worker handles these; a new Python would not.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        run()
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        # Not through the exit handlers and finalizers of Ansible.
        os._exit(code)


def _is_this_python(interpreter: t.Any) -> bool:
    """Whether an interpreter is the one that runs this, in the same environment."""
    if not isinstance(interpreter, str) or not interpreter:
        return False
    given, own = (os.path.split(path) for path in (interpreter, sys.executable))
    return given[0] == own[0] and os.path.realpath(interpreter) == os.path.realpath(sys.executable)


@contextlib.contextmanager
def _uncollected() -> t.Iterator[None]:
    """Turn off garbage collection, which takes a third of the time in which Ansible parses and packs a module.

    The process is a fork for this one task and ends soon, so the objects that exist by then are never collected.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()


@contextlib.contextmanager
def _naming_controller(task: t.Any) -> t.Iterator[None]:
    """Pass to the module the process that must be alive for it to write."""
    given = task.environment
    before = given if isinstance(given, list) else [given] if given else []
    task.environment = [*before, {CONTROLLER: str(controller())}]
    try:
        yield
    finally:
        task.environment = given
