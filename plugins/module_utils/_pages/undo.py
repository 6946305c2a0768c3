# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The templates of the pages of an undo's plan."""

from __future__ import annotations

_HTML = """\
{% extends "builtin/plan.html" %}
{% block top %}
<p>The run ({{ run.kind }}) was from {{ run.started }} {{ "to " ~ run.ended if run.ended else "without an end" }}.
Its status is {{ run.status }}.</p>
{% if not later_runs_known %}
<p class="failure"><strong>Later runs are not known: no history was given.</strong> Their changes may be undone,
too.</p>
{% endif %}
{{ super() }}
{% if stay %}
<p class="failure"><strong>
{{- stay | many("change stays as the run left it", "changes stay as the run left them") }}.</strong>
Each is listed with its account and the reason.</p>
{% endif %}
{% endblock %}
{% block command %}
<p>If fleet files want it, revert their commit, too: otherwise the next apply does again what is undone here.</p>
{% if not command %}
<p>Run undo with the variables of this plan and its digest. If anything has changed by then, nothing is written.</p>
<pre><code>ansible-playbook thingspace.licensing.undo -e run=... -e fleet_dest=undo
{{- " -e approved=" ~ digest }}</code></pre>
{% endif %}
{% endblock %}
"""

_MARKDOWN = """\
{% extends "builtin/plan.md" %}
{% block top %}
The run ({{ run.kind }}) was from {{ run.started }} {{ "to " ~ run.ended if run.ended else "without an end" }}. Its
status is {{ run.status }}.

{% if not later_runs_known %}
**Later runs are not known: no history was given.** Their changes may be undone, too.

{% endif %}
{{ super() }}
{% if stay %}
**{{ stay | many("change stays as the run left it", "changes stay as the run left them") }}.**

{% endif %}
{% endblock %}
{% block command %}
If fleet files want it, revert their commit, too: otherwise the next apply does again what is undone here.

{% if not command %}
Run undo with the variables of this plan and its digest. If anything has changed by then, nothing is written.

    ansible-playbook thingspace.licensing.undo -e run=... -e fleet_dest=undo -e approved={{ digest }}
{% endif %}
{% endblock %}
"""

TEMPLATES = {"undo.html": _HTML, "undo.md": _MARKDOWN}
