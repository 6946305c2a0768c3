# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The templates of the pages of a plan."""

from __future__ import annotations

from . import plan_html, plan_markdown

PARTS = {"parts.html": plan_html.PARTS, "parts.md": plan_markdown.PARTS}
"""The account's section, on the pages of a plan and of an undo."""

TEMPLATES = {"plan.html": plan_html.PLAN, "plan.md": plan_markdown.PLAN}
