# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The plan that somebody approved, and whether the plan that would be carried out now is that one."""

from __future__ import annotations

import errno
import json
import os
import re
import typing as t

from ._errors import LicensingError, Problem
from ._fleet_plan_document import FORMAT, IDLE, Document, is_sealed, remains_of, same_run

_NAMED = 20


def read_approved(given: str | None, problems: list[Problem]) -> Document | str | None:
    """The approved plan: a digest, or a plan file whose content fits its digest; None if there is none.

    :param problems: what is wrong with it is put here.
    """
    if given is None:
        return None
    if re.fullmatch(r"[0-9a-fA-F]{64}", given.strip()):
        return given.strip().lower()
    try:
        return read_plan(given)
    except LicensingError as error:
        problems.append(Problem(f"'approved' {given[:200]} cannot be used: {error.message}.", error.code))
    return None


def read_plan(path: str) -> Document:
    """A plan file of which every digest, recomputed from the content, is the one that stands in it.

    :raises LicensingError: C(plan_file_invalid), with the reason, which is no whole sentence.
    """
    try:
        # A pipe would be waited for.
        if os.path.exists(path) and not os.path.isfile(path):
            raise OSError(errno.EINVAL, "It is not a file")
        with open(path, encoding="utf-8") as stream:
            document = json.load(stream, object_pairs_hook=_once)
        why = _wrong(document)
    except OSError as error:
        why = f"{error.strerror or error}; name a plan file or a digest of 64 hexadecimal digits"
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        why = "it is no plan file"
    if why:
        raise LicensingError(why, code="plan_file_invalid")
    return t.cast(Document, document)


def _wrong(document: t.Any) -> str:
    if document.get("format") != FORMAT or not isinstance(document["format"], int):
        found = str(document.get("format"))[:20]
        old = " Make a new plan with this release, and have that one approved" if found == "1" else ""
        return f"it is of format {found}, this release reads {FORMAT}.{old}".rstrip(".")
    for account in document["accounts"]:
        texts = account["account"], account["wanted"]
        if not all(isinstance(text, str) for text in texts) or not isinstance(account.get("failure", {}), dict):
            raise TypeError
    names = [account["account"] for account in document["accounts"]]
    if len(set(names)) < len(names):
        return "it has an account twice"
    if not is_sealed(document):
        return "its content does not fit its digest: it was changed after it was made"
    return ""


def _once(pairs: list[tuple[str, t.Any]]) -> dict[str, t.Any]:
    """An object of the file. Of a name that is there twice, others may show another value than is read here."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError
    return made


def difference(
    document: Document, approved: Document | str, bases: str = "the fleet files or the accounts"
) -> LicensingError | None:
    """Why this is not the approved plan, naming the accounts that differ where they are known.

    With a plan file, an account of which no plan could be made now is no difference: nothing is done about it.

    :param bases: what a plan is made from.
    """
    digest = approved if isinstance(approved, str) else approved["digest"]
    if digest == document["digest"] or document["status"] in IDLE:
        return None
    named = ""
    if not isinstance(approved, str):
        # What was carried out of it already is no difference, so that a run that failed half-way can be repeated.
        before = {one["account"]: one for one in approved["accounts"]}
        now = {one["account"]: one for one in document["accounts"]}
        other = sorted({*before} ^ {*now})
        other += [
            name
            for name, one in now.items()
            if name in before and one["status"] != "error" and not remains_of(one, before[name])
        ]
        if not other and same_run(document, approved):
            return None
        more = ", ..." if len(other) > _NAMED else ""
        named = f" These accounts differ: {', '.join(other[:_NAMED])}{more}." if other else ""
    return LicensingError(
        f"The approved plan {digest[:12]}... is not the plan that would be carried out now, {document['digest']}: "
        f"{bases} changed since it was approved.{named} Nothing was written. Make a new plan, and have that one "
        "approved.",
        code="plan_changed",
        digest=document["digest"],
    )
