# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The templates of the pages of an undo's plan."""

from __future__ import annotations

_HTML = """\
{% extends "builtin/plan.html" %}
{% import "builtin/pieces.html" as pieces %}
{% block top %}
<p>{{ pieces.undone(run) }}</p>
{% if not later_runs_known %}
{{ pieces.bad(pieces.later_runs()) }}
{% endif %}
{{ super() }}
{% if stay %}
<p class="failure">{{ pieces.stay(stay) }} Each is listed with its account and the reason.</p>
{% endif %}
{% endblock %}
{% block command %}
<p>{{ pieces.revert() }}</p>
{% if not command %}
<p>{{ pieces.same_variables("undo") }}</p>
<pre><code>ansible-playbook thingspace.licensing.undo -e run=... -e fleet_dest=undo
{{- " -e approved=" ~ digest }}</code></pre>
{% endif %}
{% endblock %}
"""

_MARKDOWN = """\
{% extends "builtin/plan.md" %}
{% import "builtin/pieces.md" as pieces %}
{% block top %}
{{ pieces.undone(run) }}

{% if not later_runs_known %}
{{ pieces.later_runs() }}

{% endif %}
{{ super() }}
{% if stay %}
{{ pieces.stay(stay) }}

{% endif %}
{% endblock %}
{% block command %}
{{ pieces.revert() }}

{% if not command %}
{{ pieces.same_variables("undo") }}

    ansible-playbook thingspace.licensing.undo -e run=... -e fleet_dest=undo -e approved={{ digest }}
{% endif %}
{% endblock %}
"""

TEMPLATES = {"undo.html": _HTML, "undo.md": _MARKDOWN}
