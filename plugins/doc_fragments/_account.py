# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The account of a module. PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of C(ACCOUNT_SPEC) in C(module_utils/_options.py)."""

    DOCUMENTATION = r"""
options:
  account:
    description:
      - The billing account, for example V(0000123456-00001). Write it in quotes.
    type: str
    required: true
"""
