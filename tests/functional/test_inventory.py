# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Inventories from the device list: complete or nothing, and never a template."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.functional.conftest import Start
from ansible_collections.thingspace.licensing.tests.support.harness import (
    ACCOUNT,
    Json,
    Playbook,
    Simulator,
    imei,
    imeis,
    plain_environment,
)
from ansible_collections.thingspace.licensing.tests.support.simulated import PATIENCE

OTHER = "0000123456-00002"
LIST = "device_list"
SECRET = "hunter2-hunter2"
CREDENTIALS = ("client_id", "client_secret", "username", "password")


class Shown(t.NamedTuple):
    """What ansible-inventory said."""

    stdout: str
    stderr: str
    code: int

    @property
    def told(self) -> str:
        """Warnings in one line, without the frame that depends on the width of a terminal."""
        return " ".join(self.stderr.split())

    @property
    def hosts(self) -> dict[str, Json]:
        """The variables of each host."""
        return t.cast("dict[str, Json]", json.loads(self.stdout)["_meta"]["hostvars"])

    def group(self, name: str) -> list[str]:
        """The hosts of a group."""
        return t.cast("list[str]", json.loads(self.stdout).get(name, {}).get("hosts", []))

    @property
    def groups(self) -> set[str]:
        """The groups that are not Ansible's own."""
        return set(json.loads(self.stdout)["all"]["children"]) - {"ungrouped"}


class Inventory:
    """Runs ansible-inventory on a file for the plugin."""

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        self.path = folder / "fleet.thingspace.yml"
        self.folder = folder
        self.simulator = simulator
        self.cache = folder / "cache"
        (folder / "empty.cfg").write_text("", encoding="utf-8")

    def write(self, **options: t.Any) -> Path:
        """Write the file; an option that is None is left out."""
        common = {
            "plugin": "thingspace.licensing.devices",
            "accounts": [ACCOUNT],
            "base_url": self.simulator.base_url,
            **dict.fromkeys(CREDENTIALS, "not-secret"),
            "runtime_dir": str(self.folder / "runtime"),
        }
        given = {name: value for name, value in {**common, **options}.items() if value is not None}
        self.path.write_text(json.dumps(given), encoding="utf-8")
        return self.path

    def __call__(
        self,
        *arguments: str,
        env: t.Mapping[str, str] | None = None,
        source: Path | None = None,
        how: str = "--list",
        **options: t.Any,
    ) -> Shown:
        """Show the inventory of a file with these options, or of another source."""
        path = source or self.write(**options)
        done = subprocess.run(
            [sys.executable, "-m", "ansible", "inventory", "-i", str(path), how, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            cwd=self.folder,
            env={**self.environment(), **(env or {})},
        )
        shown = Shown(untagged(done.stdout), done.stderr, done.returncode)
        assert "Traceback" not in shown.stdout + shown.stderr, shown.stderr
        assert "internal_error" not in shown.stderr, shown.stderr
        return shown

    def environment(self) -> dict[str, str]:
        """The environment without anything of the caller's."""
        return plain_environment(
            self.folder / "home",
            ANSIBLE_CONFIG=str(self.folder / "empty.cfg"),
            ANSIBLE_NOCOLOR="1",
            ANSIBLE_LOCAL_TEMP=str(self.folder / "local"),
            COLUMNS="1000",
        )

    def cached(self, **options: t.Any) -> Shown:
        """Show the inventory with a cache."""
        return self(cache=True, cache_plugin="ansible.builtin.jsonfile", cache_connection=str(self.cache), **options)

    def refused(self, code: str, *texts: str, **options: t.Any) -> Shown:
        """Show an inventory that fails with this code and says these texts; nothing of it is there."""
        shown = self(**options)
        assert f"[{code}]" in shown.told, shown.stderr
        for text in texts:
            assert text in shown.told, shown.stderr
        assert shown.hosts == {}
        assert shown.groups == set()
        return shown


def untagged(stdout: str) -> str:
    """The JSON with texts as texts, where ansible-core 2.19 marks those that are not to be evaluated."""
    if not stdout.startswith("{"):
        return stdout
    return json.dumps(json.loads(stdout, object_hook=lambda value: value.get("__ansible_unsafe", value)))


@pytest.fixture
def inventory(tmp_path: Path, simulator: Simulator) -> Inventory:
    return Inventory(tmp_path, simulator)


FIELDS: list[Json] = [
    {"state": "active", "groups": ["water meters"], "custom_fields": {"CustomField1": "north", "site": "Bonn-1"}},
    {"state": "suspend", "groups": ["water meters", "spare"], "custom_fields": {"CustomField1": "south"}},
    {"state": "pre-active", "service_plan": "m2m_5G", "created_at": "2026-01-15T12:00:00Z"},
    {"groups": ["water-meters"], "created_at": "2026-02-15T12:00:00.500Z", "iccid": "89148999999999999999"},
]


@pytest.fixture
def fleet(simulator: Simulator) -> None:
    devices = [{"imei": imei(number), **fields} for number, fields in enumerate(FIELDS)]
    account = {"name": ACCOUNT, "devices": devices, "licenses": [imei(1), imei(2)]}
    other = {"name": OTHER, "devices": [{"imei": imei(7)}], "licenses": []}
    simulator.state(accounts=[account, other])


@pytest.mark.usefixtures("fleet")
def test_hosts_variables_and_groups_of_two_accounts(simulator: Simulator, inventory: Inventory) -> None:
    shown = inventory(accounts=[ACCOUNT, OTHER], licenses=True)
    assert sorted(shown.hosts) == [*imeis(4), imei(7)]
    host = shown.hosts[imei(1)]
    assert host["thingspace_account"] == ACCOUNT
    assert (host["thingspace_imei"], host["thingspace_iccid"]) == (imei(1), "89148000000000000001")
    assert (host["thingspace_state"], host["thingspace_service_plan"]) == ("suspend", "m2m_4G")
    assert host["thingspace_groups"] == ["water meters", "spare"]
    assert host["thingspace_custom_fields"] == {"CustomField1": "south"}
    assert host["thingspace_eid"] is None
    assert host["thingspace_fota_license"] is True
    assert host["thingspace_fota_assigned_at"]
    assert shown.hosts[imei(0)]["thingspace_fota_license"] is False
    assert shown.group("thingspace_account_0000123456_00001") == imeis(4)
    assert shown.group("thingspace_account_0000123456_00002") == [imei(7)]
    assert shown.group("thingspace_state_pre_active") == [imei(2)]
    assert shown.group("thingspace_plan_m2m_5G") == [imei(2)]
    assert shown.group("thingspace_group_spare") == [imei(1)]
    assert shown.group("thingspace_group_water_meters") == [imei(0), imei(1), imei(3)]
    assert shown.group("thingspace_license_fota") == [imei(1), imei(2)]
    assert shown.group("thingspace_license_none") == [imei(0), imei(3), imei(7)]
    assert "thingspace_group_water_meters combines several names from ThingSpace: water meters, water-meters" in (
        shown.told
    )
    assert "attributes" not in shown.stdout
    assert simulator.operations() == ["oauth_token", "session_login", LIST, "fota_list", LIST, "fota_list"]
    assert simulator.writes() == []


def test_the_devices_are_places_to_cut_the_list_of_licensed_ones(simulator: Simulator, inventory: Inventory) -> None:
    simulator.state(accounts=[{"name": ACCOUNT, "devices": 60, "licenses": 60}])
    simulator.quirks(page_size=3)
    assert len(inventory(licenses=True).hosts) == 60
    paths = [request["path"] + str(request["query"]) for request in simulator.requests("fota_list")]
    assert len(set(paths)) == len(paths) <= 20 + 3
    assert paths != sorted(paths), "they were read one after the other"


@pytest.mark.usefixtures("fleet")
def test_only_what_is_asked_for(simulator: Simulator, inventory: Inventory) -> None:
    shown = inventory("--limit", "thingspace_state_suspend", group_prefix="", attributes=True)
    assert shown.hosts == {}, "without its prefix the group has another name"
    shown = inventory("--limit", "state_suspend", group_prefix="", attributes=True)
    assert list(shown.hosts) == [imei(1)]
    assert shown.hosts[imei(1)]["thingspace_attributes"]["SkuNumber"]
    assert shown.hosts[imei(1)]["thingspace_fota_license"] is None
    assert "PrimaryPlaceOfUse" not in shown.stdout
    assert not any("license" in group for group in shown.groups)
    assert simulator.count("fota_list") == 0
    assert simulator.count("session_login") == 1, "the second run uses the session of the first"
    graph = inventory(how="--graph")
    assert "@thingspace_state_suspend" in graph.stdout


@pytest.mark.usefixtures("fleet")
def test_filters_and_templates_in_options(inventory: Inventory) -> None:
    shown = inventory(
        "-e",
        "wanted_group='water meters'",
        accounts="{{ ['" + ACCOUNT + "'] }}",
        group="{{ wanted_group }}",
        client_secret="{{ lookup('ansible.builtin.env', 'MY_SECRET') }}",
        timeout="{{ 10 + 5 }}",
        custom_fields={"CustomField1": "{{ 'no' ~ 'rth' }}"},
        created_before="2025-12-31",
        env={"MY_SECRET": "not-secret"},
    )
    assert list(shown.hosts) == [imei(0)], shown.stderr


def test_everything_from_the_environment(simulator: Simulator, inventory: Inventory) -> None:
    env = {f"THINGSPACE_{name.upper()}": "not-secret" for name in CREDENTIALS}
    env |= {"THINGSPACE_BASE_URL": simulator.base_url, "THINGSPACE_RUNTIME_DIR": ""}
    none: t.Any = dict.fromkeys((*CREDENTIALS, "base_url", "runtime_dir"))
    assert list(inventory(env=env, **none).hosts) == imeis(60)
    # An empty directory shares nothing; ansible-core by itself would take it for the current one.
    assert not list(inventory.folder.rglob("session-*"))
    assert list(inventory(env={"THINGSPACE_PASSWORD": "{{ wrong }}"}).hosts) == imeis(60), "the option wins"


@pytest.mark.usefixtures("fleet")
def test_constructed_features(inventory: Inventory) -> None:
    shown = inventory(
        compose={"district": "thingspace_custom_fields.CustomField1", "ansible_connection": "'local'"},
        groups={"idle": "thingspace_state != 'active'"},
        keyed_groups=[
            {
                "key": "thingspace_custom_fields.CustomField1 | default('')",
                "prefix": "district",
                "parent_group": "all_d",
            }
        ],
    )
    assert shown.hosts[imei(0)]["district"] == "north"
    assert "district" not in shown.hosts[imei(2)]
    assert shown.hosts[imei(2)]["ansible_connection"] == "local"
    assert shown.group("idle") == [imei(1), imei(2)]
    assert shown.group("district_south") == [imei(1)]
    assert "all_d" in shown.groups


@pytest.mark.usefixtures("fleet")
def test_strict_leaves_no_half_inventory(inventory: Inventory) -> None:
    compose = {"district": "thingspace_custom_fields.CustomField1"}
    inventory.refused("invalid_options", f"Could not set district for host {imei(2)}", strict=True, compose=compose)


@pytest.mark.usefixtures("fleet")
def test_names(simulator: Simulator, inventory: Inventory) -> None:
    assert sorted(inventory(hostname="custom_fields.site,iccid").hosts) == [
        "89148000000000000001",
        "89148000000000000002",
        "89148999999999999999",
        "Bonn-1",
    ]
    same = {"site": "Bonn 1"}
    simulator.devices({"imei": imei(0), "custom_fields": same}, {"imei": imei(1), "custom_fields": same})
    simulator.devices({"imei": imei(2), "custom_fields": {"site": "localhost"}})
    simulator.devices({"imei": imei(3), "custom_fields": {"site": "../x y:[1]"}})
    shown = inventory(hostname="custom_fields.site")
    assert sorted(shown.hosts) == [*imeis(3), "x_y_1"]
    assert "2 devices do not have the name that 'hostname' prefers" in shown.told


def test_every_page_of_a_large_account(start_simulator: Start, tmp_path: Path) -> None:
    simulator = start_simulator("--devices", "2500", "--licensed", "1200")
    inventory = Inventory(tmp_path, simulator)
    simulator.quirks(device_page=1000)
    shown = inventory.cached(licenses=True)
    assert list(shown.hosts) == imeis(2500)
    assert shown.group("thingspace_license_fota") == imeis(1200)
    assert (simulator.count(LIST), simulator.count("fota_list")) == (3, 2)
    simulator.forget_requests()
    assert inventory.cached(licenses=True) == shown
    assert simulator.requests() == []


def test_the_cache(simulator: Simulator, inventory: Inventory) -> None:
    shown = inventory.cached()
    assert list(shown.hosts) == imeis(60)
    (kept,) = inventory.cache.iterdir()
    (state,) = (inventory.folder / "runtime").glob("session-*.json")
    (tokens,) = json.loads(state.read_text(encoding="utf-8"))["tokens"].values()
    session = {key: value for key, value in tokens.items() if is_token(value)}
    assert len(session) >= 2, "both tokens"
    text = kept.read_text(encoding="utf-8")
    assert imei(0) in text
    assert not [secret for secret in (*session.values(), "not-secret") if secret in text]
    simulator.forget_requests()
    assert inventory.cached().hosts == shown.hosts
    assert simulator.requests() == []
    assert inventory.cached(state="suspend").hosts == {}
    assert simulator.count(LIST) == 1, "another question is not answered from the cache"
    os.utime(kept, (0, 0))
    assert list(inventory.cached().hosts) == imeis(60)
    assert simulator.count(LIST) == 2, "what is too old is read anew"


def test_a_damaged_cache_is_read_anew_with_a_warning(simulator: Simulator, inventory: Inventory) -> None:
    inventory.cached()
    (kept,) = inventory.cache.iterdir()
    whole = kept.read_text(encoding="utf-8")
    cases = (
        "",
        whole[: len(whole) // 2],
        "[1]",
        '{"asked": 1, "devices": [1]}',
        whole.replace(imei(1), imei(99)),
        None,
    )
    for count, damaged in enumerate(cases, 2):
        kept.unlink(missing_ok=True)
        if damaged is None:
            kept.mkdir()
        else:
            kept.write_text(damaged, encoding="utf-8")
        shown = inventory.cached()
        assert list(shown.hosts) == imeis(60), damaged
        assert "damaged or from another release. They are read again." in shown.told, damaged
        assert simulator.count(LIST) == count
        if damaged is not None:
            assert kept.read_text(encoding="utf-8") == whole, "it was written anew"


def test_a_device_in_two_accounts_is_one_host(simulator: Simulator, inventory: Inventory) -> None:
    accounts = [
        {"name": ACCOUNT, "devices": [{"imei": imei(1)}, {"imei": imei(2), "state": "deactive"}], "licenses": []},
        {"name": OTHER, "devices": [{"imei": imei(2), "state": "active"}], "licenses": [imei(2)]},
    ]
    simulator.state(accounts=accounts)
    for _run in ("read", "cached"):
        shown = inventory.cached(accounts=[ACCOUNT, OTHER], licenses=True)
        assert sorted(shown.hosts) == imeis(3)[1:]
        host = shown.hosts[imei(2)]
        assert (host["thingspace_account"], host["thingspace_accounts"]) == (ACCOUNT, [ACCOUNT, OTHER])
        assert (host["thingspace_state"], host["thingspace_fota_license"]) == ("deactive", True)
        assert shown.group("thingspace_account_0000123456_00002") == [imei(2)]
        assert f"1 devices are in several accounts, for example {imei(2)} in {ACCOUNT} and {OTHER}" in shown.told


def is_token(value: t.Any) -> bool:
    return isinstance(value, str) and len(value) > 20


def cache_options(inventory: Inventory) -> Json:
    return {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(inventory.cache)}


def test_what_could_not_be_read_is_not_cached(simulator: Simulator, inventory: Inventory) -> None:
    simulator.faults({"action": "status", "status": 500, "operation": LIST, "times": 0})
    inventory.refused("server_error", retries=0, **cache_options(inventory))
    assert not list(inventory.cache.iterdir())


def test_wrong_credentials(simulator: Simulator, inventory: Inventory) -> None:
    shown = inventory.refused("login_refused", password=SECRET)
    assert SECRET not in shown.stderr
    assert simulator.count(LIST) == 0
    env = {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"}
    shown = inventory(password=SECRET, env=env)
    assert shown.code != 0
    assert SECRET not in shown.stdout + shown.stderr
    inventory.refused("login_blocked", password=SECRET)


def test_every_problem_at_once(simulator: Simulator, inventory: Inventory) -> None:
    shown = inventory.refused(
        "invalid_options",
        "11 problems were found",
        "'lisences' is not an option of this inventory plugin. Did you mean 'licenses'?",
        "'password' must be a value of the type str",
        "'timeout' must be a value of the type float",
        "'api_version' must be one of v1, v2, v3",
        "The template of 'client_secret' cannot be evaluated",
        "'accounts' is '../x'",
        "'group' is empty",
        "'created_after' is not a time",
        "'hostname' has 'imie'",
        "'group_prefix' may have",
        "'client_id' is given without 'client_secret'",
        lisences=SECRET,
        password=[SECRET],
        timeout=SECRET,
        api_version=SECRET,
        client_secret="{{ '" + SECRET + "' | no_such_filter }}",
        accounts=["../x"],
        group="",
        created_after="yesterday",
        hostname="imie",
        group_prefix="1-",
    )
    assert SECRET not in shown.stderr
    assert simulator.requests() == []
    inventory.refused("invalid_options", "'accounts' is missing or empty", accounts=None)
    inventory.refused("missing_credentials", "THINGSPACE_PASSWORD", username=None, password=None)


@pytest.mark.parametrize("account", [ACCOUNT, OTHER])
@pytest.mark.usefixtures("fleet")
def test_one_account_that_fails_fails_all(simulator: Simulator, inventory: Inventory, account: str) -> None:
    fault = {"action": "status", "status": 400, "operation": LIST, "after": int(account == OTHER), "times": 0}
    simulator.faults({**fault, "body": {"errorCode": "X", "errorMessage": "no"}})
    inventory.refused("api_rejected", f"Account {account}: ", accounts=[ACCOUNT, OTHER])


def test_a_list_that_contradicts_itself(simulator: Simulator, inventory: Inventory) -> None:
    simulator.quirks(device_page=25)
    answer = {"hasMoreData": True, "devices": []}
    simulator.faults({"action": "status", "status": 202, "operation": LIST, "after": 1, "times": 0, "body": answer})
    inventory.refused("incomplete_list")


def test_a_version_that_lists_a_part_of_the_licenses(simulator: Simulator, inventory: Inventory) -> None:
    devices = [{"imei": imei(number), "protocol": ("HTTP", "LWM2M")[number % 2]} for number in range(3)]
    account = {"name": ACCOUNT, "devices": devices, "licenses": [imei(0), imei(1)]}
    simulator.state(accounts=[account])
    simulator.quirks(license_lists="protocols")
    shown = inventory(licenses=True, api_version="v2")
    assert [shown.hosts[imei(number)]["thingspace_fota_license"] for number in range(3)] == [True, None, None]
    assert "v2 lists only 1 of the 2 licenses" in shown.told
    assert shown.group("thingspace_license_none") == []


def test_it_can_do_without_the_subscription(simulator: Simulator, inventory: Inventory) -> None:
    devices = [{"imei": imei(number)} for number in range(2)]
    simulator.state(accounts=[{"name": ACCOUNT, "devices": devices, "licenses": [imei(0)]}])
    simulator.faults({"action": "status", "status": 403, "operation": "fota_subscription", "times": 0})
    shown = inventory(licenses=True, api_version="v2")
    assert [shown.hosts[imei(number)]["thingspace_fota_license"] for number in range(2)] == [True, False]
    assert f"Account {ACCOUNT}: Whether v2 lists all licenses that this account has in use could not be" in shown.told


def test_licenses_that_cannot_be_read(simulator: Simulator, inventory: Inventory) -> None:
    simulator.faults({"action": "status", "status": 500, "operation": "fota_list", "times": 0})
    inventory.refused("server_error", licenses=True, retries=0)


TEMPLATE = "{{ lookup('ansible.builtin.pipe', 'touch %s') }}"


def test_no_control_character_of_thingspace_is_passed_on(simulator: Simulator, inventory: Inventory) -> None:
    """Neither in variables nor in names of groups, read or cached, also by an earlier release."""
    evil = "a\x1b[31mb\x9bc\u202ed\x7fe\u2066"
    shown = "a\\u001b[31mb\\u009bc\\u202ed\\u007fe\\u2066"
    device = {
        "deviceIds": [{"id": imei(0), "kind": "imei"}],
        "carrierInformations": [{"state": evil, "servicePlan": evil}],
        "groupNames": [evil],
        "customFields": [{"key": evil, "value": evil}],
        "extendedAttributes": [{"key": evil, "value": evil}],
    }
    body = {"hasMoreData": False, "devices": [device]}
    simulator.faults({"action": "status", "status": 200, "operation": LIST, "body": body, "times": 0})
    options: Json = {
        "attributes": True,
        "compose": {"note": "thingspace_state"},
        "keyed_groups": [{"key": "thingspace_service_plan", "prefix": "of"}],
        **cache_options(inventory),
    }
    for argument, how in (("--yaml", "--list"), ("--vars", "--graph")):
        told = inventory(argument, how=how, **options)
        assert shown in told.stdout.replace("\\\\", "\\")
        assert {char for char in told.stdout + told.stderr if not char.isprintable()} <= {"\n"}
    (variables,) = inventory(**options).hosts.values()
    assert variables["note"] == variables["thingspace_state"] == shown
    assert variables["thingspace_custom_fields"] == variables["thingspace_attributes"] == {shown: shown}


def test_nothing_of_thingspace_is_a_template(
    simulator: Simulator, inventory: Inventory, playbook: Playbook, tmp_path: Path
) -> None:
    mark = tmp_path / "executed"
    evil = TEMPLATE % mark
    body = {
        "hasMoreData": False,
        "devices": [
            {
                "deviceIds": [{"id": imei(0), "kind": "imei"}, {"id": evil, "kind": "mdn"}],
                "carrierInformations": [{"state": evil, "servicePlan": evil}],
                "groupNames": [evil],
                "customFields": [{"key": key, "value": value} for key, value in {"note": evil, evil: evil}.items()],
                "createdAt": evil,
                "extendedAttributes": [{"key": evil, "value": evil}],
            }
        ],
    }
    simulator.faults({"action": "status", "status": 200, "operation": LIST, "body": body, "times": 0})
    options = {
        "attributes": True,
        "hostname": ["custom_fields.note", "mdn"],
        "compose": {"note": "thingspace_custom_fields.note", "ansible_connection": "'local'"},
        "keyed_groups": [{"key": "thingspace_custom_fields.note", "prefix": "note"}],
        "groups": {"noted": "thingspace_custom_fields.note != thingspace_mdn"},
        **cache_options(inventory),
    }
    for _run in ("read", "cached"):
        shown = inventory(**options)
        (name,) = shown.hosts
        assert shown.hosts[name]["note"] == shown.hosts[name]["thingspace_state"] == evil
        assert not set(name) & set("{}()' ")
    plays: list[Json] = [
        {
            "hosts": "thingspace_account_0000123456_00001",
            "gather_facts": False,
            "tasks": [
                {
                    "ansible.builtin.debug": {
                        "msg": "{{ note }} {{ thingspace_groups }} {{ hostvars[inventory_hostname] }}"
                    }
                },
                {"ansible.builtin.command": {"argv": ["true", "{{ thingspace_custom_fields.note }}"]}},
                {"ansible.builtin.assert": {"that": ["note == thingspace_mdn", "'pipe' in thingspace_state"]}},
            ],
        }
    ]
    done = playbook(plays, "-i", str(inventory.path), "-e", json.dumps({"ansible_python_interpreter": sys.executable}))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "touch" in done.stdout
    assert not mark.exists()


def test_which_files_are_read(inventory: Inventory) -> None:
    text = inventory.write().read_text(encoding="utf-8")
    for name, taken in {"thingspace.yaml": True, "thingspace.yml": True, "notthingspace.yml": False}.items():
        path = inventory.folder / name
        path.write_text(text, encoding="utf-8")
        assert bool(inventory(source=path).hosts) is taken, name


@pytest.mark.parametrize("text", ["- a list", '"text', ""])
def test_a_file_that_is_no_mapping(inventory: Inventory, text: str) -> None:
    inventory.path.write_text(text, encoding="utf-8")
    env = {"ANSIBLE_INVENTORY_ENABLED": "thingspace.licensing.devices"}
    shown = inventory(source=inventory.path, env=env)
    assert "Failed to parse" in shown.told
    assert shown.hosts == {}


def test_a_vault_keeps_the_password(inventory: Inventory) -> None:
    key = inventory.folder / "key"
    key.write_text("key", encoding="utf-8")
    vault = [
        sys.executable,
        "-m",
        "ansible",
        "vault",
        "encrypt_string",
        "--vault-password-file",
        str(key),
        "not-secret",
    ]
    made = subprocess.run(
        vault, capture_output=True, text=True, check=True, env=inventory.environment(), timeout=PATIENCE
    )
    plain = inventory.write(password=None).read_text(encoding="utf-8")
    lines = [f"{name}: {json.dumps(value)}" for name, value in json.loads(plain).items()]
    inventory.path.write_text("\n".join([*lines, "password: " + made.stdout]), encoding="utf-8")
    shown = inventory("--vault-password-file", str(key), source=inventory.path)
    assert list(shown.hosts) == imeis(60), shown.stderr
    assert os.path.exists(inventory.folder / "runtime")
