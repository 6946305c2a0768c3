# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter C(journal_place)."""

from __future__ import annotations

DOCUMENTATION = r"""
name: journal_place
short_description: Complete the path of a journal
version_added: 0.6.0
author:
  - thingspace.licensing contributors (@thingspace)
description:
  - Makes the path of a journal absolute, so that it is the same file wherever it is used. C(~) and environment
    variables are replaced. A relative path starts at the current directory.
  - The address of a database stays as it is, without the blanks around it. What is neither a path nor an address is
    left alone, too, and the modules refuse it.
positional: _input
options:
  _input:
    description: The path of a file, or the address of a database.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Read the journal in the current directory
  thingspace.licensing.simsec_license_info:
    account: "0000123456-00001"
    journal_only: true
    journal: "{{ 'journal.db' | thingspace.licensing.journal_place }}"
"""

RETURN = r"""
_value:
  description: The absolute path, or the address.
  type: str
"""

import os
import typing as t

from ansible_collections.thingspace.licensing.plugins.module_utils._text.addresses import as_place, is_path


def journal_place(value: t.Any) -> str:
    """An absolute path, or an address as it is. What is blank is empty."""
    place = as_place(str(value))
    return os.path.realpath(place) if place and is_path(place) else place


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[[t.Any], str]]:
        """Their names and functions."""
        return {"journal_place": journal_place}
