# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Any text as plain text in Markdown."""

from __future__ import annotations

import re

from .visible import visible


def plain(text: object) -> str:
    """A text without special characters of Markdown or HTML."""
    one_line = re.sub(r"\s+", " ", visible(str(text))).strip()
    return re.sub(r"([\\`*_{}\[\]<>|#~&!])", r"\\\1", one_line)
