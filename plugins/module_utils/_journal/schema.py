# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The tables of the journal. Each script upgrades a journal by one version. A released script never changes.

- A run is one task that sends. It keeps the account's count before it, to decide about lost requests.
- A request is recorded before it is sent, with its devices as entries. Its state is what its answer said.
- The outcome of an entry is what ThingSpace later reported for that device. The request id of an entry is set only if
  that report was matched by device because the answer to the request was lost.
- A callback is a confirmation that could not be matched to an entry (yet).

Beside the requests, it keeps what all nodes share. (Here, a run is a task that sends; a run of a fleet has many.)

- A fleet run is a run of the role, with its place among others and its record.
- A fleet plan has the digest that is approved.
- A license pool is what a report counted on a day.
- A shared state is what the tasks of all nodes agree on about logins and the pace of requests.
- A document is the text of a record or plan, packed and cut into pieces.
"""

from __future__ import annotations

SCHEMA: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE identity (uuid TEXT NOT NULL, created TEXT NOT NULL)",
        """CREATE TABLE run (
            id INTEGER PRIMARY KEY, account TEXT NOT NULL, sku TEXT NOT NULL, action TEXT NOT NULL,
            assigned_before INTEGER, host TEXT NOT NULL, pid INTEGER NOT NULL, started TEXT NOT NULL, ended TEXT)""",
        """CREATE TABLE scope (
            id INTEGER PRIMARY KEY, account TEXT NOT NULL, sku TEXT NOT NULL, kind TEXT NOT NULL,
            UNIQUE (account, sku, kind))""",
        """CREATE TABLE request (
            id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run (id),
            scope INTEGER NOT NULL REFERENCES scope (id), action TEXT NOT NULL, devices INTEGER NOT NULL,
            x_request_id TEXT NOT NULL, request_id TEXT, state TEXT NOT NULL, sent TEXT NOT NULL, answered TEXT,
            answer TEXT NOT NULL DEFAULT '')""",
        "CREATE INDEX request_by_request_id ON request (request_id)",
        "CREATE INDEX request_by_state ON request (state) WHERE state IN ('sending', 'unknown')",
        """CREATE TABLE entry (
            scope INTEGER NOT NULL, device_id TEXT NOT NULL, request INTEGER NOT NULL REFERENCES request (id),
            outcome TEXT, reason TEXT NOT NULL DEFAULT '', confirmed TEXT, request_id TEXT,
            PRIMARY KEY (scope, device_id, request)) WITHOUT ROWID""",
        "CREATE INDEX entry_by_request ON entry (request)",
    ),
    (
        """CREATE TABLE callback (
            id INTEGER PRIMARY KEY, request_id TEXT NOT NULL, devices TEXT NOT NULL, status TEXT NOT NULL,
            reason TEXT NOT NULL, received TEXT NOT NULL, matched INTEGER NOT NULL DEFAULT 0,
            UNIQUE (request_id, devices, status))""",
        "CREATE INDEX callback_unmatched ON callback (request_id) WHERE matched = 0",
        "CREATE INDEX callback_received ON callback (received) WHERE matched = 0",
    ),
    (
        "CREATE TABLE document (id INTEGER PRIMARY KEY, kept TEXT NOT NULL)",
        """CREATE TABLE document_piece (
            document INTEGER NOT NULL REFERENCES document (id), place INTEGER NOT NULL, content TEXT NOT NULL,
            PRIMARY KEY (document, place))""",
        """CREATE TABLE fleet_run (
            id INTEGER PRIMARY KEY, name TEXT UNIQUE, kind TEXT NOT NULL, plan TEXT NOT NULL, started TEXT NOT NULL,
            ended TEXT, status TEXT NOT NULL, document INTEGER REFERENCES document (id))""",
        "CREATE INDEX fleet_run_unended ON fleet_run (id) WHERE ended IS NULL",
        """CREATE TABLE fleet_run_account (
            run INTEGER NOT NULL REFERENCES fleet_run (id), account TEXT NOT NULL, PRIMARY KEY (run, account))""",
        """CREATE TABLE fleet_plan (
            digest TEXT PRIMARY KEY, used TEXT NOT NULL, document INTEGER NOT NULL REFERENCES document (id))""",
        """CREATE TABLE license_pool (
            day TEXT NOT NULL, account TEXT NOT NULL, license TEXT NOT NULL, counts TEXT NOT NULL,
            PRIMARY KEY (account, license, day))""",
        "CREATE TABLE shared_state (name TEXT PRIMARY KEY, state TEXT NOT NULL, changed TEXT NOT NULL)",
    ),
    # A database also remembers its home, see C(_journal/postgresql_home.py).
    (),
    # The digest of the approved plan, if the plan of a run is only the rest of that.
    ("ALTER TABLE fleet_run ADD COLUMN approved TEXT NOT NULL DEFAULT ''",),
)
