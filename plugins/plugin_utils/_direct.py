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
import importlib
import json
import logging
import multiprocessing
import os
import re
import site
import sys
import types
import typing as t
import warnings

from ansible import constants
from ansible.module_utils import basic
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.release import __version__ as core_version

from ansible_collections.thingspace.licensing.plugins.module_utils._client.starter import CONTROLLER
from ansible_collections.thingspace.licensing.plugins.plugin_utils._fork import Beside, in_fork

KNOWN = frozenset({"2.19", "2.20", "2.21"})
"""Versions of ansible-core that are known to run a module this way. Others pack it."""

SWITCH = "thingspace_direct_execution"
"""A variable that turns it off."""

PROFILE = "legacy"
"""The name of the format in which Ansible passes arguments to a module of a collection."""

NEUTRAL = re.compile(
    r"THINGSPACE_\w+|(HTTPS?|NO|ALL)_PROXY|(https?|no|all)_proxy|REQUESTS_CA_BUNDLE|SSL_CERT_(FILE|DIR)|PG[A-Z]+"
)
"""Environment variables that are read when they are used. Others may act when Python starts, so they need a new one."""

_PLUGINS = "ansible_collections.thingspace.licensing.plugins"

Result = dict[str, t.Any]


class DirectAction(ActionBase):
    """The action of a module of this collection.

    Each module has a file with its own action. If all were routed to one file, the events of a job would name its
    module for every task.
    """

    _supports_async = True

    module: types.ModuleType | None = None
    """What to run in a fork; None if it cannot be loaded here."""

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
            self._fork = self._fork_for(task_vars, beside)
            if self._fork is None:
                stack.enter_context(_uncollected())
                stack.enter_context(beside())
            result: Result = self._execute_module(module_args=args, task_vars=task_vars, wrap_async=self.in_background)
            return result

    def _fork_for(self, task_vars: Result, beside: Beside) -> Fork | None:
        """A fork for the module; None if it has to be packed."""
        if self.module is None or not self._is_direct(self._host_vars(task_vars)):
            return None
        environment: Result = {}
        self._compute_environment_string(environment)
        if not all(NEUTRAL.fullmatch(name) for name in environment):
            return None
        variables = {name: str(value) for name, value in environment.items()}
        # Where Ansible runs commands of a local connection, and where relative paths begin.
        return Fork(self.module, variables, self._loader.get_basedir(), beside)

    def _is_direct(self, variables: Result) -> bool:
        """Whether a fork of this process is what Ansible would start, other than being packed.

        :param variables: of the host on which the module runs.
        """
        return (
            self.is_local
            and not self._task.async_val
            and not self._connection.become
            and not vars(constants)["DEFAULT_KEEP_REMOTE_FILES"]
            and _is_this_python(self._templar.template(variables.get("ansible_python_interpreter")))
            and boolean(self._templar.template(variables.get(SWITCH, True)), strict=False)
            and self._has_usual_shell(variables)
        )

    def _has_usual_shell(self, variables: Result) -> bool:
        """Whether Ansible would start the module with nothing around it that changes something."""
        shells = (vars(constants)["DEFAULT_EXECUTABLE"], variables.get("ansible_shell_executable"))
        files = constants.config.get_config_value("PYTHON_MODULE_RLIMIT_NOFILE", variables=variables)
        return all(shell in (None, "", "/bin/sh") for shell in shells) and not files

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
        return built, f"{self._fork.module.__file__} in a fork"

    def _is_pipelining_enabled(self, *args: t.Any, **kwargs: t.Any) -> bool:
        return self._fork is not None or bool(super()._is_pipelining_enabled(*args, **kwargs))

    def _low_level_execute_command(self, *args: t.Any, **kwargs: t.Any) -> Result:
        if self._fork is None:
            result: Result = super()._low_level_execute_command(*args, **kwargs)
            return result
        return self._fork.run()


class Fork:
    """A module that runs in a fork of this process.

    :param module: what to run.
    :param environment: variables beyond those of this process.
    :param folder: the directory to run it in.
    :param beside: a context that lasts as long as it runs.
    """

    def __init__(self, module: types.ModuleType, environment: t.Mapping[str, str], folder: str, beside: Beside) -> None:
        self.module = module
        self._environment = environment
        self._folder = folder
        self._beside = beside
        self.arguments = b""

    def run(self) -> Result:
        """Run it; returns what Ansible knows of a command that ended."""
        ended = in_fork(self._be_module, self._beside)
        lines = {"stdout_lines": ended.stdout.splitlines(), "stderr_lines": ended.stderr.splitlines()}
        return {**ended._asdict(), **lines}

    def _be_module(self) -> None:
        from ansible.module_utils import _internal

        # Warnings belong in the module's result, and nothing in Ansible's log.
        _internal.is_controller = False
        logging.root.handlers.clear()
        os.chdir(self._folder)
        os.environ.update(self._environment)
        vars(basic).update(_ANSIBLE_ARGS=self.arguments, _ANSIBLE_PROFILE=PROFILE)
        self.module.main()


def loaded(name: str, *late: str) -> types.ModuleType | None:
    """A module of this collection; None where it has to be packed, which then says what is wrong with it.

    :param late: files below module_utils that it imports only when it needs them. A fork finds them imported; otherwise
        each one would import them again.
    """
    if sys.platform != "linux" or ".".join(core_version.split(".")[:2]) not in KNOWN or _has_other_flags():
        return None
    try:
        # A library that warns when it is loaded would do so in the output of ansible-playbook.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for file in late:
                importlib.import_module(f"{_PLUGINS}.module_utils.{file}")
            return importlib.import_module(f"{_PLUGINS}.modules.{name}")
    except Exception:  # pylint: disable=broad-exception-caught
        return None


def _has_other_flags() -> bool:
    """Whether this Python was started in a way that makes it find other libraries than a new one."""
    flags = sys.flags
    alone = flags.no_user_site and os.path.isdir(site.getusersitepackages())
    return bool(flags.isolated or flags.no_site or flags.ignore_environment or alone)


def controller() -> int:
    """The process id of ansible-playbook. A worker may outlive it, because it has its own session."""
    parent = multiprocessing.parent_process()
    return os.getpid() if parent is None or parent.pid is None else parent.pid


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
