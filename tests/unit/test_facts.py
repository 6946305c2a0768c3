# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fact stands once: the versions of the API, the kinds of device id, the SKUs, the delimiters, the parts of a plan.

Python imports them. What cannot import (documentation, YAML) is compared with them here. The simulator has beliefs of
its own, on purpose.
"""

from __future__ import annotations

import ast
import re
import runpy
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.thingspace.licensing.plugins.module_utils._devices.filter import FILTER_SPEC
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.account_parts import PartKind
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.account_run import FLOWS
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_part import TITLES
from ansible_collections.thingspace.licensing.plugins.module_utils._options import DELIMITERS
from ansible_collections.thingspace.licensing.plugins.module_utils._simsec.skus import KNOWN
from ansible_collections.thingspace.licensing.plugins.module_utils._swm.candidates import FORMS
from ansible_collections.thingspace.licensing.plugins.module_utils._thingspace.api_versions import (
    API_VERSION,
    API_VERSIONS,
    CANDIDATES_OF,
    CANDIDATES_VERSION,
    CANDIDATES_VERSIONS,
    LIST_FORMS,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._thingspace.id_kinds import KIND, KINDS, LENGTHS

ROOT = Path(__file__).resolve().parents[2]
PARTS = t.get_args(PartKind)

LISTS: dict[str, tuple[t.Sequence[str], ...]] = {
    "v1": (API_VERSIONS, CANDIDATES_VERSIONS),
    "imei": (KINDS, FILTER_SPEC["kind"]["choices"]),
    "comma": (tuple(DELIMITERS),),
    "simsec": ((*PARTS, "devices"),),
    **{sku: (("FOTA", *sorted(KNOWN)),) for sku in KNOWN},
}
"""A list of choices with the key is one of these."""

DEFAULTS = {tuple(API_VERSIONS): API_VERSION, tuple(CANDIDATES_VERSIONS): CANDIDATES_VERSION, tuple(KINDS): KIND}

DOCUMENTED = re.compile(r'^ *(?!EXAMPLES|RETURN)[A-Z]+ = r"""\n(.*?)^"""$', re.MULTILINE | re.DOTALL)


def documents() -> t.Iterator[tuple[str, t.Any]]:
    """What is written in YAML: documentation of plugins, options of roles, questions of the automation controller."""
    for path in sorted((ROOT / "plugins").glob("[!m]*/*.py")) + sorted((ROOT / "plugins" / "modules").glob("*.py")):
        for text in DOCUMENTED.findall(path.read_text(encoding="utf-8")):
            yield path.name, yaml.safe_load(text)
    for pattern in ("roles/*/meta/argument_specs.yml", "extensions/aap/configuration/controller_templates.yml"):
        for path in sorted(ROOT.glob(pattern)):
            yield str(path.relative_to(ROOT)), yaml.safe_load(path.read_text(encoding="utf-8"))


def choices(document: t.Any) -> t.Iterator[t.Mapping[str, t.Any]]:
    """Everything in a document that has choices."""
    if isinstance(document, dict):
        if isinstance(document.get("choices"), list):
            yield document
        for value in document.values():
            yield from choices(value)
    elif isinstance(document, list):
        for value in document:
            yield from choices(value)


def test_choices_that_cannot_import() -> None:
    compared = set()
    for where, document in documents():
        for option in choices(document):
            for mark in LISTS.keys() & set(map(str, option["choices"])):
                named = tuple(option["choices"])
                assert named in [tuple(one) for one in LISTS[mark]], where
                assert "default" not in option or option["default"] == DEFAULTS.get(named, option["default"]), where
                compared.add((where, mark))
    assert {mark for _where, mark in compared} == LISTS.keys()
    assert len({where for where, _mark in compared}) > 5


@pytest.mark.parametrize(
    ("keys", "facts"),
    [
        (LIST_FORMS, API_VERSIONS),
        (CANDIDATES_OF, API_VERSIONS),
        (FORMS, CANDIDATES_VERSIONS),
        (LENGTHS, KINDS),
        (TITLES, PARTS),
        (FLOWS, PARTS),
    ],
)
def test_tables_have_an_entry_for_each(keys: t.Mapping[str, t.Any], facts: t.Sequence[str]) -> None:
    assert keys.keys() == set(facts)


def test_the_guide_names_each_sku_and_which_is_for_life() -> None:
    text = (ROOT / "docs" / "simsec.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w-]+)` \| [^|]+ \| (.+?) \|$", text, re.MULTILINE)
    assert {sku: "never" in back for sku, back in rows if sku in KNOWN} == {
        sku.number: sku.lifetime for sku in KNOWN.values()
    }


def test_the_module_names_each_sku() -> None:
    documentation = (ROOT / "plugins" / "modules" / "simsec_license.py").read_text(encoding="utf-8")
    (told,) = re.findall(r"documented SKUs are (.+?)\.\n", documentation, re.DOTALL)
    assert set(re.findall(r"V\(([\w-]+)\)", told)) == KNOWN.keys()


def test_modules_describe_shared_return_values_in_the_same_words() -> None:
    tool = runpy.run_path(str(ROOT / "tests" / "tools" / "write_returns.py"))
    for path in tool["MODULES"]:
        text = path.read_text(encoding="utf-8")
        changed = text.replace("Why the task failed", "Why it failed")
        assert changed != text, path.name
        assert tool["renewed"](path.stem, changed) == text, f"{path.name}: run 'make generated'"


def test_modules_may_add_to_shared_return_values() -> None:
    tool = runpy.run_path(str(ROOT / "tests" / "tools" / "write_returns.py"))
    own = "    - Own words.\n  returned: never\n  type: dict\n  version_added: 0.6.0\n  sample: {code: timeout}\n"
    module = '\nRETURN = r"""\nfailure:\n  description:\n    - Old words.\n' + own + '"""\n'
    made = tool["renewed"]("session", module)
    assert set(own.splitlines()) < set(made.splitlines())
    assert "Old words" not in made
    with pytest.raises(ValueError, match="session: failure has another type"):
        tool["renewed"]("session", module.replace("type: dict", "type: str"))


def test_the_simulator_documents_each_quirk() -> None:
    simulator = ROOT / "roles" / "simulator"
    (path,) = (simulator / "files").rglob("quirks.py")
    quirks = re.findall(r'^    "(\w+)": (?:Choice|Flag|Number)\(', path.read_text(encoding="utf-8"), re.MULTILINE)
    rows = re.findall(r"^\| (`[^|]+) \|", (simulator / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(quirks) > 40
    assert set(quirks) - set(re.findall(r"`(\w+)`", " ".join(rows))) == set()


def repetitions(tree: ast.AST) -> t.Iterator[tuple[int, str]]:
    """Lists in code that say one of the facts anew, and SKUs."""
    facts = {frozenset(one) for one in (API_VERSIONS, CANDIDATES_VERSIONS, KINDS, DELIMITERS, PARTS)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node.value in KNOWN:
            yield node.lineno, str(node.value)
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)) and node.elts:
            texts = [item.value for item in node.elts if isinstance(item, ast.Constant) and isinstance(item.value, str)]
            if len(texts) == len(node.elts) and frozenset(texts) in facts:
                yield node.lineno, ", ".join(texts)


DEFINED_IN = {"_thingspace/api_versions.py", "_thingspace/id_kinds.py", "_fleet/account_parts.py", "_simsec/skus.py"}


def test_code_repeats_none() -> None:
    utils, found = ROOT / "plugins" / "module_utils", []
    for path in sorted([*(ROOT / "plugins").rglob("*.py"), *(ROOT / "extensions").rglob("*.py")]):
        if path.is_relative_to(utils) and path.relative_to(utils).as_posix() in DEFINED_IN:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found += [f"{path.relative_to(ROOT)}:{line}: {what}" for line, what in repetitions(tree)]
    assert found == [], "import it from where it is defined"
    for name in DEFINED_IN:
        assert list(repetitions(ast.parse((utils / name).read_text(encoding="utf-8")))), name
