# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The versions of the Software Management API. PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of C(FOTA_VERSION_SPEC) and C(CANDIDATES_VERSION_SPEC) in C(module_utils/_options.py)."""

    DOCUMENTATION = r"""
options:
  api_version:
    description:
      - Version of the Software Management API. V(v1) is for OMA-DM and LWM2M devices, V(v2) is for HTTP FOTA devices,
        and V(v3) is the current version.
    type: str
    choices: [v1, v2, v3]
    default: v3
"""

    CANDIDATES = r"""
options:
  api_version:
    description:
      - Version of the Software Management API. V(v3) has no such list.
    type: str
    choices: [v1, v2]
    default: v2
"""
