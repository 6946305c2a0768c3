# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Plans that the journal keeps by their digest, so that a digest is enough to apply one on any node."""

from __future__ import annotations

import contextlib
import json
import os
import typing as t

from .._client.stop import Told
from .._errors import LicensingError
from .._text.addresses import is_database
from .._text.canonical import pieces
from .._text.once import once
from .documents import as_json
from .plan_document import PlanDocument

if t.TYPE_CHECKING:
    from .._journal.fleet_plans import FleetPlans

MAX_BYTES = 512 * 1024 * 1024
"""A plan of a million devices has less than 200 MB."""


def keep_plan(document: PlanDocument, journal: str | None, told: Told, *, begins: bool) -> None:
    """Keep a plan with changes, if there is a journal.

    :param begins: whether it is carried out now. Only then, a journal file is created.
    :raises LicensingError: the journal cannot be written.
    """
    if journal and (begins or is_database(journal) or os.path.exists(journal)) and sum(document.totals.values()):
        with _plans(journal, write=True, told=told) as plans:
            plans.keep(document.digest, pieces(as_json(document)))


def kept_plan(digest: str, journal: str | None, told: Told) -> PlanDocument | None:
    """The plan with this digest; None if it is not kept, or is not what the digest says.

    :raises LicensingError: the journal cannot be read.
    """
    if not journal:
        return None
    with _plans(journal, write=False, told=told) as plans:
        try:
            text = plans.plan(digest, MAX_BYTES)
            document = (
                None if text is None else PlanDocument.from_json(json.loads(text, object_pairs_hook=once)).sealed()
            )
        except (ValueError, RecursionError):
            return None
        except LicensingError as error:
            if error.code != "plan_file_invalid":
                raise
            return None
    # Whoever can write to the journal must not be able to pass off another plan as the approved one.
    return document if document is not None and document.digest == digest else None


@contextlib.contextmanager
def _plans(journal: str, *, write: bool, told: Told) -> t.Iterator[FleetPlans]:
    # A module compiles what it imports, each time. Many fleets have no journal.
    # pylint: disable=import-outside-toplevel
    from .._journal.fleet_plans import FleetPlans
    from .._journal.stores import open_store

    with contextlib.closing(open_store(journal, write=write, told=told)) as store:
        yield FleetPlans(store)
