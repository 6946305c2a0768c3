# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fills ansible-test's cache with pip from the package index.

ansible-test creates virtual environments without pip and then downloads a ``get-pip`` script from its own web site. The
download fails if only the package index can be reached. ansible-test skips it if the script is already in the cache, so
this puts a small script there, which installs the same release of pip that ansible-test requests.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import ansible_test

SCRIPT = """\
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "{folder}"))

from pip._internal.cli.main import main

skipped = ("install", "--no-setuptools", "--no-wheel")
arguments = [argument for argument in sys.argv[1:] if argument not in skipped]
sys.exit(main(["install", "--upgrade", "--force-reinstall"] + arguments))
"""


def wanted_versions() -> list[str]:
    """Return the releases of pip that the installed ansible-test requests."""
    source = Path(ansible_test.__path__[0], "_internal", "python_requirements.py").read_text(encoding="utf-8")
    return sorted(set(re.findall(r"pip='([0-9.]+)'", source)))


def seed(version: str, cache: Path) -> None:
    """Put the script for one release of pip into the cache, unless it is already there."""
    name = version.replace(".", "_")
    script = cache / f"get_pip_{name}.py"
    if script.exists():
        return
    with tempfile.TemporaryDirectory() as folder:
        download = [sys.executable, "-m", "pip", "download", "-qq", "--no-deps", "--dest", folder, f"pip=={version}"]
        subprocess.run(download, check=True)
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            wheel.extractall(cache / f"pip_{name}")
    script.write_text(SCRIPT.format(folder=f"pip_{name}"), encoding="utf-8")


def main() -> None:
    """Seed the cache for the installed ansible-test."""
    cache = Path("~/.ansible/test/cache").expanduser()
    cache.mkdir(parents=True, exist_ok=True)
    versions = wanted_versions()
    if not versions:
        sys.exit("This ansible-test does not say which pip it wants: see tests/tools/seed_get_pip.py")
    for version in versions:
        seed(version, cache)


if __name__ == "__main__":
    main()
