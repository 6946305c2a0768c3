# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An approved plan file that somebody edited is refused, or it approves what the plan that is made now shows, too."""

from __future__ import annotations

import copy
import hashlib
import itertools
import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError, Problem
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.approval import (
    difference,
    read_approved,
    read_plan,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.documents import Failure, as_json
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_account import PlanAccount
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_document import PlanDocument, UndoneRun
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_make import failed_account, make_account
from ansible_collections.thingspace.licensing.tests.support import plans
from ansible_collections.thingspace.licensing.tests.support.journals import never
from ansible_collections.thingspace.licensing.tests.support.plans import Json, resealed

Place = tuple[t.Any, ...]

LIFETIME = "SIMSec-IoT-Lt"

PARTS: dict[str, list[tuple[str, str, str, Json, Json, int]]] = {
    "bought": [
        ("fota", "", "exact", {"assign": 2, "remove": 1, "waves": [1, 3]}, {}, 3),
        ("removal_candidates", "", "exact", {"add": 1, "remove": 1, "move": 1}, {}, 3),
    ],
    "for life": [
        ("simsec", LIFETIME, "present", {"assign": 1}, {"lifetime": True, "lifetime_consent": 1}, 1),
        ("simsec", "SIMSec-IoT", "present", {"assign": 2}, {"max_changes": 9, "reserve": 4}, 2),
    ],
    "stopped": [
        ("simsec", "SIMSec-IoT", "absent", {"remove": 2}, {"max_removals": "5%", "failure": "guard_tripped"}, 2),
        ("fota", "", "present", {"unchanged": 4}, {"failure": "devices_failed"}, 0),
    ],
    "as wanted": [("fota", "", "exact", {"unchanged": 3}, {}, 0)],
}
"""By account, each part: kind, SKU, state, counts, what else there is, and how many devices change."""

FREE = {
    ("created",),
    ("failure", "code"),
    ("failure", "message"),
    *((("accounts", number, name)) for number in range(5) for name in ("file", "frozen")),
    *((("accounts", number, "freeze", 0, "name")) for number in range(5)),
    ("accounts", 4, "failure", "code"),
    ("accounts", 4, "failure", "message"),
    ("accounts", 4, "wanted"),
}
"""Leaves that tell of the making of a plan, and say nothing about what it does."""

FORESEEN = {"licenses", "held", "free", "note", "unchanged", "incomplete"}
"""What may have become another number while a plan waited for its approval."""


def account(name: str, first: int = 0) -> PlanAccount:
    """The plan of an account, from what modules returned in check mode."""
    parts, rows = [], []
    for kind, sku, state, counts, more, changing in PARTS[name]:
        failure = {"failure": {"code": more["failure"], "message": "Too many."}} if "failure" in more else {}
        result = {
            "plan": {"state": state, "unchanged": 0, **counts, "digest": f"{kind} {sku} {state}"},
            "licenses": None if kind == "removal_candidates" else {"total": 30, "assigned": 10, "available": 20},
            **failure,
        }
        about = {key: value for key, value in more.items() if key != "failure"}
        parts.append({"kind": kind, "list": f"{kind}-{sku}", "sku": sku, "result": result, **about})
        rows.append(
            [
                {"device_id": str(990_000_000_000_000 + first + number), "outcome": "assigned", "reason": ""}
                for number in range(changing)
            ]
        )
    made = make_account(name, f"{name}.yml", hashlib.sha256(name.encode()).hexdigest(), parts, rows)
    return made._replace(freeze=[{"name": "holidays"}], frozen="Not now.")


def plan() -> Json:
    """The plan of a run, as it is written to a file."""
    over = Failure("guard_tripped", "It touches too many devices.")
    accounts = [account(name, 1000 * place) for place, name in enumerate(PARTS)]
    made = plans.plan(*accounts, failed_account("zoo", as_json(over)), failure=over)
    return t.cast(Json, json.loads(json.dumps(as_json(made))))


def leaves(value: t.Any, place: Place = ()) -> t.Iterator[Place]:
    """The places of all values that hold no others."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from leaves(one, (*place, key))
    if not isinstance(value, (dict, list)):
        yield place


def nodes(value: t.Any, place: Place = ()) -> t.Iterator[Place]:
    """The places of everything below."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*place, key)
        yield from nodes(one, (*place, key))


def at(value: t.Any, place: Place) -> t.Any:
    for key in place:
        value = value[key]
    return value


def opened(document: Json, place: Place) -> tuple[Json, t.Any]:
    """A document that shares everything with this one except what is around a place, and what is around it."""
    made: t.Any = copy.copy(document)
    inner = made
    for key in place[:-1]:
        inner[key] = copy.copy(inner[key])
        inner = inner[key]
    return made, inner


def with_other(document: Json, place: Place, other: t.Any) -> Json:
    """The document with another value in a place."""
    made, inner = opened(document, place)
    inner[place[-1]] = other
    return made


def without(document: Json, place: Place) -> Json:
    made, inner = opened(document, place)
    del inner[place[-1]]
    return made


def others(value: t.Any) -> list[t.Any]:
    """Values of the same and of another kind that somebody may write instead."""
    if isinstance(value, bool):
        return [not value, None, int(value), str(value)]
    if isinstance(value, (int, float)):
        return [value + 1, 0 if value else -1, float(value), bool(value), None, str(value)]
    return [f"{value}0", None, 0]


def _sha(value: t.Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def with_checksum(document: Json) -> Json:
    """What an editor does who knows that there is a checksum."""
    content = {key: value for key, value in document.items() if key != "checksum"}
    return {**content, "checksum": _sha(content)}


def with_digest(document: Json) -> Json:
    """What an editor does who knows of all digests, and lets those stand that are the ones to be shown."""
    kept = [one.get("digest") if isinstance(one, dict) else None for one in document["accounts"]]
    made = resealed(document)
    for one, digest in zip(made["accounts"], kept, strict=True):
        one["digest"] = digest
    return with_checksum(made)


EDITORS: dict[str, t.Callable[[Json], Json]] = {
    "nothing": lambda document: document,
    "the checksum": with_checksum,
    "all but the digests of accounts": with_digest,
    "everything": resealed,
}


def mutations(document: Json) -> t.Iterator[tuple[Place, Json]]:
    """The plan with one value changed, left out, doubled, or put in the place of another."""
    for place in leaves(document):
        for other in others(at(document, place)):
            yield place, with_other(document, place, other)
    for place in nodes(document):
        yield (*place, "left out"), without(document, place)
        value = at(document, place)
        if isinstance(value, list):
            yield (*place, "doubled"), with_other(document, place, value * 2)
            yield (*place, "turned round"), with_other(document, place, value[::-1])
    yield from swapped(document)
    for place in [(), ("accounts", 0), ("accounts", 0, "parts", 0), ("accounts", 0, "parts", 0, "plan")]:
        yield (*place, "new"), with_other(document, (*place, "new"), 1)
    for place in [("undoes",), ("accounts", 0, "notes"), ("accounts", 0, "parts", 0, "note")]:
        yield place, with_other(document, place, None)


def swapped(document: Json) -> t.Iterator[tuple[Place, Json]]:
    """The plan with two digests exchanged."""
    places = [place for place in leaves(document) if place[-1] == "digest"]
    for one, two in itertools.combinations(places, 2):
        changed = with_other(document, one, at(document, two))
        yield one, with_other(changed, two, at(document, one))


def carried_out(document: Json) -> list[t.Any]:
    """What a plan does, in words of this test."""
    names = ("kind", "sku", "id_kind", "api_version", "action", "lifetime", "limits", "devices", "failure")
    return [
        [
            one["account"],
            one["wanted"],
            *(part.get(name) for name in names),
            {key: value for key, value in part["plan"].items() if key not in FORESEEN},
        ]
        for one in document["accounts"]
        for part in one["parts"]
        if any(part["plan"].get(name) for name in ("assign", "remove", "add", "move"))
    ]


def approves(path: Path, edited: Json, now: PlanDocument) -> PlanDocument | None:
    """The approved plan, if it lets the one that would be carried out through."""
    path.write_text(json.dumps(edited), encoding="utf-8")
    problems: list[Problem] = []
    approved = read_approved(str(path), None, problems, told=never)
    assert (approved is None) is bool(problems)
    return None if not isinstance(approved, PlanDocument) or difference(now, approved) else approved


@pytest.mark.slow
@pytest.mark.parametrize("editor", EDITORS)
def test_an_edited_plan_approves_nothing_else(tmp_path: Path, editor: str) -> None:
    """Whatever is changed, and whatever is made to fit it: refused, or it shows what is carried out."""
    live = plan()
    now = PlanDocument.from_json(live)
    assert approves(tmp_path / "plan.json", live, now) is not None
    tried = 0
    for place, changed in mutations(live):
        try:
            edited = EDITORS[editor](changed)
        except (KeyError, TypeError, LicensingError):
            edited = with_checksum(changed)
        tried += 1
        approved = approves(tmp_path / "plan.json", edited, now)
        # Each value has one form: whoever leaves one out, or adds one that says nothing, has edited the file.
        assert approved is None or editor != "nothing" or edited == live, place
        if approved is not None:
            # What stands there besides is taken for done: then less is carried out than was approved, never more.
            shown = [json.dumps(one, sort_keys=True) for one in carried_out(as_json(approved))]
            assert all(json.dumps(one, sort_keys=True) in shown for one in carried_out(live)), place
    assert tried > 1000


@pytest.mark.slow
@pytest.mark.parametrize("editor", ["nothing", "the checksum"])
def test_a_value_that_is_shown_fits_the_digests(tmp_path: Path, editor: str) -> None:
    """Who edits one and does not make all digests anew is told so, but for what no digest covers."""
    live = plan()
    now = PlanDocument.from_json(live)
    accepted = set()
    for place in leaves(live):
        edited = EDITORS[editor](with_other(live, place, others(at(live, place))[0]))
        if approves(tmp_path / "plan.json", edited, now):
            accepted.add(place)
    assert accepted == (set() if editor == "nothing" else {("checksum",)} | FREE & set(leaves(live)))


def test_a_digest_that_was_exchanged(tmp_path: Path) -> None:
    """One account shows little, and bears the digest of what would be done to it: many licenses for life."""
    live = plan()
    shown = copy.deepcopy(live)
    shown["accounts"][0] = as_json(account("as wanted"))
    shown = resealed(shown)
    number = [one["account"] for one in shown["accounts"]].index("for life")
    shown["accounts"][number]["parts"] = []
    for stated in (live["accounts"][number]["digest"], shown["accounts"][number]["digest"]):
        shown["accounts"][number]["digest"] = stated
        shown["digest"] = live["digest"]
        assert approves(tmp_path / "plan.json", with_checksum(shown), PlanDocument.from_json(live)) is None
    assert approves(tmp_path / "plan.json", resealed(shown), PlanDocument.from_json(live)) is None


def test_what_is_left_of_an_approved_plan(tmp_path: Path) -> None:
    """Parts that are done, and pools that are other ones by then, are no difference; another limit is one."""
    approved = plan()
    left = copy.deepcopy(approved)
    number = [one["account"] for one in left["accounts"]].index("for life")
    done, other = left["accounts"][number]["parts"]
    done["plan"].update(assign=0, unchanged=1, digest="as wanted")
    done["devices"] = []
    other["licenses"] = {"total": 30, "assigned": 11, "available": 19}
    assert approves(tmp_path / "plan.json", approved, PlanDocument.from_json(resealed(left))) is not None
    for name, value in (("lifetime", True), ("limits", {**other["limits"], "max_changes": 99})):
        changed = with_other(left, ("accounts", number, "parts", 1, name), value)
        assert approves(tmp_path / "plan.json", approved, PlanDocument.from_json(resealed(changed))) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"format": 1}', "it is of format 1, this release reads 2. Make a new plan with this release"),
        ('{"format": 3}', "it is of format 3, this release reads 2"),
        ('{"format": 2, "accounts": [], "accounts": []}', "it has 'accounts' twice in one object, so it was edited"),
        ("[]", "it is not a plan file: the plan is not a dictionary"),
        ("[", "it is not a plan file"),
        (json.dumps({**plan(), "accounts": [*plan()["accounts"], plan()["accounts"][0]]}), "it has an account twice"),
    ],
)
def test_files_that_are_none_of_ours(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "plan.json").write_text(text, encoding="utf-8")
    with pytest.raises(LicensingError, match=told) as caught:
        read_plan(str(tmp_path / "plan.json"))
    assert caught.value.code == "plan_file_invalid"


ODD: dict[str, tuple[Place, t.Any, str]] = {
    "a member of a newer release": (("new",), 1, "'new' of the plan is unknown"),
    "the same, of an account": (("accounts", 0, "new"), 1, "'new' of account 1 is unknown"),
    "a device without an id": (
        ("accounts", 1, "parts", 0, "devices"),
        [{"outcome": "assigned", "reason": ""}],
        "'devices' of part 1 of account 2 is such a list, which it cannot be",
    ),
    "a device whose id is a number": (
        ("accounts", 1, "parts", 0, "devices", 0, "device_id"),
        990000000000001,
        "'devices' of part 1 of account 2",
    ),
    "a number that is none": (("accounts", 0, "parts", 0, "plan", "assign"), 1.0, "'assign' of 'plan' of part 1"),
    "a limit that nobody reads": (("accounts", 0, "parts", 0, "limits"), {}, "'limits' of part 1 of account 1"),
    "a failure without a code": (("failure",), {"message": "Why."}, "'failure' of the plan has no 'code'"),
}


@pytest.mark.parametrize("odd", ODD)
def test_where_a_plan_is_none(odd: str) -> None:
    place, value, told = ODD[odd]
    with pytest.raises(LicensingError, match="it is not a plan file: ") as caught:
        resealed(with_other(plan(), place, value))
    assert told in caught.value.message
    assert caught.value.code == "plan_file_invalid"


def test_a_plan_of_something_else_says_what_it_is() -> None:
    """What was approved is no older plan of the same accounts, and nobody looks for changes of them."""
    applied = PlanDocument.from_json(plan())
    one, other = (
        applied._replace(undoes=UndoneRun(run, "apply", "then", "later", "done", "")).sealed() for run in ("R1", "R2")
    )
    for now, approved, runs in ((applied, one, {"R1"}), (one, applied, {"R1"}), (one, other, {"R1", "R2"})):
        failure = difference(now, approved)
        assert failure is not None
        assert (failure.code, failure.details["digest"]) == ("plan_changed", now.digest)
        assert {run for run in ("R1", "R2") if f"the run {run}" in failure.message} == runs
        assert "accounts differ" not in failure.message
    assert difference(one, one) is None
