# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of the SIM-Secure modules. PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of C(SIMSEC_KIND_SPEC) and C(JOURNAL_SPEC) in C(module_utils/_options.py)."""

    DOCUMENTATION = r"""
options:
  kind:
    description:
      - The kind of the device ids, V(imei) (15 digits) or V(iccid) (18 to 20 digits).
    type: str
    choices: [imei, iccid]
    default: imei
"""

    JOURNAL = r"""
options:
  journal:
    description:
      - The journal. It records every request before it is sent, and ThingSpace's answers and confirmations. Use one
        journal for all jobs, and back it up.
      - A path is an SQLite file on a local disk, where the module runs.
      - C(postgresql://USER@HOST/DATABASE), C(service=NAME), and other addresses of libpq are a PostgreSQL database (14
        or newer), which jobs on several machines can share. This needs the Python library psycopg, 3.1 or newer.
      - A password in the address is masked in results and logs. Prefer a password file or a service file.
      - Two files with the suffixes C(.lock) and C(.id) are beside a file. If the journal is lost or replaced with an
        older copy, the C(.id) file makes the next task fail, so that it does not start over.
      - Falls back to the environment variable E(THINGSPACE_JOURNAL). There, a path must be absolute.
    type: str
"""
