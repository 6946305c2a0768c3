# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Execution environments: what ansible-builder makes of the definition, and finds in the collection."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
BUILDER = Path(sys.executable).parent / "ansible-builder"

pytestmark = pytest.mark.skipif(not BUILDER.exists(), reason="ansible-builder is not installed; 'nox -s aap' does it")


def build(*arguments: str, folder: Path) -> str:
    """What ansible-builder says."""
    return subprocess.run([str(BUILDER), *arguments], capture_output=True, text=True, check=True, cwd=folder).stdout


def test_the_collection_says_what_it_needs(tmp_path: Path) -> None:
    found = yaml.safe_load(build("introspect", os.environ["ANSIBLE_COLLECTIONS_PATH"], folder=tmp_path))
    assert found["system"] == []
    assert [requirement.split()[0] for requirement in found["python"]] == [
        "psycopg[binary]>=3.1",
        "requests>=2.28",
        "tzdata",
    ]


def test_the_definition_becomes_a_container_file_for_any_base_image(tmp_path: Path) -> None:
    folder = tmp_path / "definition"
    shutil.copytree(CHECKOUT / "extensions" / "aap" / "execution_environment", folder)
    build("create", "--file", "execution-environment.yml", "--output-filename", "Containerfile", folder=folder)
    text = (folder / "context" / "Containerfile").read_text(encoding="utf-8")
    assert "FROM $EE_BASE_IMAGE AS base" in text
    for wanted in ("ansible-core>=2.18,<2.22", "ansible-runner>=2.4,<3", "ARG PKGMGR="):
        assert wanted in text
    requirements = yaml.safe_load((folder / "context" / "_build" / "requirements.yml").read_text(encoding="utf-8"))
    assert [one["name"] for one in requirements["collections"]] == ["thingspace.licensing"]
