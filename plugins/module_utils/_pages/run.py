# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The templates of the pages of a run."""

from __future__ import annotations

_HTML = """\
{% extends "builtin/frame.html" %}
{% import "builtin/pieces.html" as pieces %}
{% set sections = [("stops", "What failed, and why")] if stops else [] %}
{% set sections = sections + [("next", "What to do next")] + ([("cost", "Cost")] if cost else []) %}
{% block main %}
<h1>{{ title }}: <span class="{{ status }}">{{ headline }}</span></h1>
{% block top %}
<p>Status: {{ word }}. Started {{ started }}{{ ", ended " ~ ended if ended else "" }}.
{% if running %}
<strong>This page was made when the run started.</strong> If the run is not in progress, it was killed.
{% endif %}
</p>
<dl class="tiles">
{{ pieces.tile("Licenses removed", licenses.removed | number, "") }}
{{ pieces.tile("Licenses assigned", licenses.assigned | number,
  (for_life | number) ~ " of them for life" if for_life else "") }}
{% if entries.removed or entries.added %}
{{ pieces.tile("Removal candidates", (entries.removed + entries.added) | number,
  entries.removed | number ~ " removed, " ~ entries.added | number ~ " added") }}
{% endif %}
{% if cost %}
{{ pieces.tile("Cost a month", cost.monthly, (cost.once ~ " once, for life" if cost.once else "")
  ~ (" (as far as there are prices)" if cost.unknown else "")) }}
{% endif %}
{{ pieces.tile("Not as planned", undone | number, "each with the reason below" if undone else "") }}
</dl>
{% endblock %}
{{ pieces.contents(sections + links) }}
{% if stops %}
<section><h2 id="stops">What failed, and why</h2>
{% for stop in stops %}
{{ pieces.failure(stop, stop.where) }}
{% endfor %}
</section>
{% endif %}
<section><h2 id="next">What to do next</h2>
{% block next %}
{% if outcomes %}
<ul>
{% for one in outcomes %}
<li>{{ one.words }}: {{ one.count | many("device") }}</li>
{% endfor %}
</ul>
<p>{{ again }}</p>
{% endif %}
{% if reversible %}
<p>To reverse the run as far as licenses can be removed:</p>
<pre><code>
{{- undo or "ansible-playbook thingspace.licensing.undo -e run=run.json -e fleet_dest=undo --check" }}</code></pre>
{% else %}
<p>The record has nothing to reverse. Remove the cause and plan again.</p>
{% endif %}
{% endblock %}
{% if digest %}
<p>Plan digest: <code>{{ digest }}</code></p>
{% endif %}
</section>
{% if cost %}
<section><h2 id="cost">Cost</h2>
{{ pieces.cost_table(cost) }}
{% if waiting %}
<p>Not counted: {{ waiting | many("device") }} without a confirmation.</p>
{% endif %}
</section>
{% endif %}
{% for one in accounts %}
<section><h2 id="{{ one.anchor }}">{{ one.name }}</h2>
{% for part in one.parts %}
<h3>{{ part.title }}: {{ part.words }}</h3>
{% if part.for_life %}
<p class="failure"><strong>For life: these licenses can never be removed.</strong></p>
{% endif %}
{% if part.stop %}
{{ pieces.failure(part.stop) }}
{% endif %}
{{ pieces.groups(part.groups, 1000, "run.json") }}
{% else %}
<p>The record has no device of this account.</p>
{% endfor %}
</section>
{% endfor %}
{% endblock %}
"""

_MARKDOWN = """\
{% import "builtin/pieces.md" as pieces %}
# {{ title }}: {{ headline }}

{% block top %}
Status: {{ word }}. Started {{ started }}{% if ended %}, ended {{ ended }}{% endif %}.
{% if running %}
**This page was made when the run started.** If the run is not in progress, it was killed.
{% endif %}

**Licenses: {{ licenses.assigned | number }} assigned, {{ licenses.removed | number }} removed.**
{% if entries.removed or entries.added %}
**Removal candidates: {{ entries.removed | number }} removed, {{ entries.added | number }} added.**
{% endif %}
{% if for_life %}
**{{ for_life | many("license") }} for life.**
{% endif %}
{% if cost %}
**Cost: {{ cost.monthly }} a month{{ "; " ~ cost.once ~ " once for lifetime licenses" if cost.once }}.**
{{ pieces.uncounted(cost) }}
{% endif %}
{% endblock %}

{% if stops %}
## What failed, and why

{% for stop in stops %}
{{ pieces.failure(stop, stop.where) }}
{% endfor %}
{% endif %}
## What to do next

{% block next %}
{% if outcomes %}
{% for one in outcomes %}
- {{ one.words }}: {{ one.count | many("device") }}
{% endfor %}

{{ again }}

{% endif %}
{% if reversible %}
To reverse the run as far as licenses can be removed:

    {{ (undo or "ansible-playbook thingspace.licensing.undo -e run=run.json -e fleet_dest=undo --check") | code }}
{% else %}
The record has nothing to reverse. Remove the cause and plan again.
{% endif %}
{% endblock %}

{% if digest %}
Plan digest: `{{ digest }}`
{% endif %}
{% if cost %}

## Cost

{{ pieces.cost_table(cost) }}
{% if waiting %}
Not counted: {{ waiting | many("device") }} without a confirmation.
{% endif %}
{% endif %}
{% for one in accounts %}

## {{ one.name }}

{% for part in one.parts %}
### {{ part.title }}: {{ part.words }}

{% if part.for_life %}
**For life: these licenses can never be removed.**

{% endif %}
{% if part.stop %}
{{ pieces.failure(part.stop) }}
{% endif %}
{{ pieces.groups(part.groups, 50, "run.json") }}
{% else %}
The record has no device of this account.

{% endfor %}
{% endfor %}
"""

TEMPLATES = {"run.html": _HTML, "run.md": _MARKDOWN}
