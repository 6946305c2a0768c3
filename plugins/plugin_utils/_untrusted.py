# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change without notice.

"""Text from ThingSpace is never a template, regardless of its content."""

from __future__ import annotations

import typing as t

wrap_var: t.Callable[[str], str] | None
try:
    # ansible-core 2.18 evaluates all texts except wrapped ones.
    from ansible.utils.unsafe_proxy import wrap_var
except ImportError:
    # From 2.19, it evaluates only trusted texts, and texts from a plugin are not trusted.
    wrap_var = None


def untrusted(value: t.Any) -> t.Any:
    """A value in which no text is a template."""
    if isinstance(value, str):
        # Every template has a brace. Wrapping all other texts would take minutes in a large account.
        return wrap_var(value) if wrap_var and "{" in value else value
    if isinstance(value, list):
        return [untrusted(entry) for entry in value]
    if isinstance(value, dict):
        return {untrusted(key): untrusted(entry) for key, entry in value.items()}
    return value
