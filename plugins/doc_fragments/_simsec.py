# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of the SIM-Secure modules. PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of C(module_utils/_journal/file.py) and of the kinds of ids."""

    DOCUMENTATION = r"""
options:
  kind:
    description:
      - What the device ids are, V(imei) (15 digits) or V(iccid) (18 to 20 digits).
    type: str
    choices: [imei, iccid]
    default: imei
"""

    JOURNAL = r"""
options:
  journal:
    description:
      - The journal, an SQLite file on a local disk, where the module runs. It records what is sent before it is sent,
        and what ThingSpace answered and confirmed. Use one for all jobs, and back it up.
      - Two files with the endings C(.lock) and C(.id) lie beside it. If the journal gets lost, or an older copy
        takes its place, the latter makes the next task fail instead of beginning anew.
      - If not given, the environment variable E(THINGSPACE_JOURNAL) is used.
    type: path
"""
