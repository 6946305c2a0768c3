# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(ansible-playbook), but Ansible's own modules are not packed, to be unpacked and compiled for each task.

They run from where they are, each in a process of its own, with the arguments, environment and directory that Ansible
gives them. On other connections, in the background or with another interpreter they run as always. Modules of this
collection run as they do for users. Besides, nothing is compiled or parsed twice, no garbage is collected, and Ansible
looks less often whether a task has ended.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import importlib.machinery
import json
import marshal
import os
import pickle
import runpy
import subprocess
import sys
import threading
import typing as t
from pathlib import Path

import jinja2
import yaml
from ansible import constants
from ansible._internal._templating import _jinja_bits
from ansible.cli import playbook
from ansible.executor.process.worker import WorkerProcess
from ansible.module_utils.common.json import Direction, get_module_encoder
from ansible.plugins import action, loader
from ansible.plugins.action import ActionBase
from ansible.utils.collection_loader import _collection_finder

ADDRESS = "THINGSPACE_TESTS_FORKED_BY"
PACKAGES = {
    "ansible.builtin.": "ansible.modules.",
    "ansible.legacy.": "ansible.modules.",
}
MARK = b"#!forked\n"
NEEDED_BY_TASKS = (
    "ansible.module_utils._internal._json._profiles._module_legacy_c2m",
    "ansible.module_utils._internal._json._profiles._module_legacy_m2c",
    "ansible.parsing.yaml.dumper",
    "ansible.plugins.action.normal",
    "ansible.utils.encrypt",
    "ansible.utils.unicode",
)
POLL_INTERVAL = 0.005
"""Seconds, of C(internal_poll_interval): while tasks run, Ansible looks so often whether they have ended."""
PROFILE = "legacy"
"""How Ansible writes down the arguments of modules of collections."""

Answer = dict[str, t.Any]


def install(address: str, forked: t.Callable[..., subprocess.Popen[str]]) -> None:
    """Let actions run modules in this way.

    :param address: who forks them.
    :param forked: starts a process that is forked there.
    """
    base: t.Any = ActionBase
    pack, execute = base._configure_module, base._low_level_execute_command

    def configure(self: t.Any, module_name: str, module_args: Answer, task_vars: Answer) -> tuple[t.Any, str]:
        """What is to be executed."""
        interpreter = self._templar.template(task_vars.get("ansible_python_interpreter"))
        package = next((name for name in PACKAGES if module_name.startswith(name)), None)
        if (
            package is None
            or interpreter != sys.executable
            or self._connection.transport != "local"
            or self._connection.become
            or self._task.async_val
        ):
            return t.cast("tuple[t.Any, str]", pack(self, module_name, module_args, task_vars))
        environment: dict[str, t.Any] = {}
        self._compute_environment_string(environment)
        encoder = get_module_encoder(PROFILE, Direction.CONTROLLER_TO_MODULE)
        order = {
            "module": PACKAGES[package] + module_name.removeprefix(package),
            "environment": environment,
            "arguments": json.dumps({"ANSIBLE_MODULE_ARGS": module_args}, cls=encoder),
        }
        built = action._BuiltModule(
            b_module_data=MARK + json.dumps(order).encode(),
            module_style="new",
            shebang=f"#!{sys.executable}",
            serialization_profile=PROFILE,
        )
        return built, module_name

    def run(self: t.Any, cmd: str, *others: t.Any, in_data: bytes | None = None, **options: t.Any) -> Answer:
        """Execute it."""
        if not (in_data or b"").startswith(MARK):
            return t.cast(Answer, execute(self, cmd, *others, in_data=in_data, **options))
        order = json.loads((in_data or b"").removeprefix(MARK))
        process = forked(
            address,
            [sys.executable, "-m", order["module"]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self._loader.get_basedir(),
            env={**os.environ, **order["environment"]},
        )
        stdout, stderr = process.communicate(order["arguments"])
        lines = {"stdout_lines": stdout.splitlines(), "stderr_lines": stderr.splitlines()}
        return {"rc": process.returncode, "stdout": stdout, "stderr": stderr, **lines}

    base._configure_module, base._low_level_execute_command = configure, run


def keep_bytecode() -> None:
    """Let Python keep the bytecode of collections, as of all else. Ansible compiles them again in every run."""
    finder: t.Any = _collection_finder._AnsibleCollectionPkgLoaderBase
    compiled = finder.get_code

    def get_code(self: t.Any, fullname: str) -> t.Any:
        path = self.get_filename(fullname) or ""
        if self._compiled_code is None and path.endswith(".py") and os.path.isfile(path):
            self._compiled_code = importlib.machinery.SourceFileLoader(fullname, path).get_code(fullname)
        return compiled(self, fullname)

    finder.get_code = get_code


def kept(folder: Path, name: str, make: t.Callable[[], bytes]) -> bytes:
    """What was made by this name before, by whichever process."""
    path = folder / hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes()
    content = make()
    with contextlib.suppress(OSError):
        new = path.with_suffix(f".{threading.get_native_id()}")
        new.write_bytes(content)
        new.rename(path)
    return content


def keep_templates(folder: Path) -> None:
    """Let Jinja2 keep the bytecode of templates. What decides what becomes of a text is part of its name."""
    environment: t.Any = jinja2.Environment
    compiled = environment.compile

    def compile_(self: t.Any, source: t.Any, *more: t.Any, **options: t.Any) -> t.Any:
        syntax = [getattr(self, name) for name in _jinja_bits._TEMPLATE_OVERRIDE_FIELD_NAMES]
        context = _jinja_bits._TemplateCompileContext.current(optional=True)
        kind = (self.__class__.__qualname__, getattr(self.finalize, "__name__", ""), self.autoescape, context)
        name = repr((kind, syntax, source, more, options))
        return marshal.loads(kept(folder, name, lambda: marshal.dumps(compiled(self, source, *more, **options))))

    environment.compile = compile_


def keep_documents(folder: Path) -> None:
    """Let PyYAML keep what became of a text, such as the documentation of a plugin, for loaders that only return it."""
    load = yaml.load

    def load_(stream: t.Any, Loader: t.Any) -> t.Any:
        if not isinstance(stream, str | bytes) or Loader.__module__.partition(".")[0] not in {"ansible", "yaml"}:
            return load(stream, Loader)
        name = repr((Loader.__qualname__, pickle.dumps(stream)))
        return pickle.loads(kept(folder, name, lambda: pickle.dumps(load(stream, Loader))))

    yaml.load = load_


def load_early() -> None:
    """Let Ansible load what each task needs before it forks for one. Otherwise, each fork loads it again."""
    worker: t.Any = WorkerProcess
    start = worker.start

    def start_(self: t.Any) -> None:
        for name in NEEDED_BY_TASKS:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        # These remember it until a role or a play adds a directory with plugins.
        for plugins in (loader.filter_loader, loader.test_loader):
            plugins._ensure_non_collection_wrappers()
        start(self)

    worker.start = start_


def main() -> None:
    """Run C(ansible-playbook)."""
    # It ends before it needs its memory again; garbage collection takes a fifth of its time.
    gc.disable()
    keep_bytecode()
    vars(constants)["DEFAULT_INTERNAL_POLL_INTERVAL"] = POLL_INTERVAL
    address = os.environ.pop(ADDRESS, None)
    if address and hasattr(action, "_BuiltModule"):
        folder = Path(address).parent / "kept"
        folder.mkdir(exist_ok=True)
        keep_templates(folder)
        keep_documents(folder)
        load_early()
        # By its path: the collection that the playbooks come from may have no tests, or not be found yet.
        install(address, runpy.run_path(str(Path(__file__).with_name("forked.py")))["Forked"])
    playbook.main(["ansible-playbook", *sys.argv[1:]])


if __name__ == "__main__":
    main()
