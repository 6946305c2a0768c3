# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The templates of the pages of a run."""

from __future__ import annotations

_HTML = """\
{% extends "builtin/frame.html" %}
{% import "builtin/pieces.html" as pieces %}
{% block main %}
<h1>{{ title }}: <span class="{{ status }}">{{ headline }}</span></h1>
{% block top %}
<p>{{ pieces.ran(word, started, ended) }}
{% if running %}
{{ pieces.running() }}
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
{{ pieces.tile("Assigned licenses, a month", cost.monthly, (cost.once ~ " once, for life" if cost.once else "")
  ~ (" (as far as there are prices)" if cost.unknown else "")) }}
{% endif %}
{{ pieces.tile("Not as planned", undone | number, "each with the reason below" if undone else "") }}
</dl>
{% endblock %}
{{ pieces.contents(pieces.run_titles, {"stops": stops, "next": 1, "cost": cost}, links) }}
{% if stops %}
<section><h2 id="stops">{{ pieces.run_titles.stops }}</h2>
{% for stop in stops %}
{{ pieces.failure(stop, stop.where) }}
{% endfor %}
</section>
{% endif %}
<section><h2 id="next">{{ pieces.run_titles.next }}</h2>
{% block next %}
{% if outcomes %}
<ul>
{% for one in outcomes %}
<li>{{ one.words }}: {{ one.count | many("device") }}</li>
{% endfor %}
</ul>
{% endif %}
{% if again %}
<p>{{ again }}</p>
{% endif %}
{% if left %}
<p>{{ left }}</p>
{% endif %}
{% if reversible %}
<p>{{ pieces.reverse() }}</p>
<pre><code>
{{- undo or pieces.undo_command }}</code></pre>
{% else %}
<p>{{ pieces.irreversible() }}</p>
{% endif %}
{% endblock %}
{% if digest %}
<p>Plan digest: <code>{{ digest }}</code></p>
{% endif %}
</section>
{% if cost %}
<section><h2 id="cost">{{ pieces.run_titles.cost }}</h2>
{{ pieces.cost_table(cost) }}
{% if waiting %}
<p>{{ pieces.unconfirmed(waiting) }}</p>
{% endif %}
</section>
{% endif %}
{% for one in accounts %}
<section><h2 id="{{ one.anchor }}">{{ one.name }}</h2>
{% for part in one.parts %}
<h3>{{ part.title }}: {{ part.words }}</h3>
{% if part.for_life %}
{{ pieces.bad(pieces.for_life()) }}
{% endif %}
{% if part.stop %}
{{ pieces.failure(part.stop) }}
{% endif %}
{{ pieces.groups(part.groups, 1000, "run.json") }}
{% else %}
<p>{{ pieces.no_device() }}</p>
{% endfor %}
</section>
{% endfor %}
{% endblock %}
"""

_MARKDOWN = """\
{% import "builtin/pieces.md" as pieces %}
# {{ title }}: {{ headline }}

{% block top %}
{{ pieces.ran(word, started, ended) }}

{% if running %}
{{ pieces.running() }}
{% endif %}

**Licenses: {{ licenses.assigned | number }} assigned, {{ licenses.removed | number }} removed.**
{% if entries.removed or entries.added %}
**Removal candidates: {{ entries.removed | number }} removed, {{ entries.added | number }} added.**
{% endif %}
{% if for_life %}
**{{ for_life | many("license") }} for life.**
{% endif %}
{% if cost %}
**{{ pieces.monthly(cost) }}**
{{ pieces.uncounted(cost) }}
{% endif %}
{% endblock %}

{% if stops %}
## {{ pieces.run_titles.stops }}

{% for stop in stops %}
{{ pieces.failure(stop, stop.where) }}
{% endfor %}
{% endif %}
## {{ pieces.run_titles.next }}

{% block next %}
{% if outcomes %}
{% for one in outcomes %}
- {{ one.words }}: {{ one.count | many("device") }}
{% endfor %}

{% endif %}
{% if again %}
{{ again }}

{% endif %}
{% if left %}
{{ left }}

{% endif %}
{% if reversible %}
{{ pieces.reverse() }}

    {{ (undo or pieces.undo_command) | code }}
{% else %}
{{ pieces.irreversible() }}
{% endif %}
{% endblock %}

{% if digest %}
Plan digest: `{{ digest }}`
{% endif %}
{% if cost %}

## {{ pieces.run_titles.cost }}

{{ pieces.cost_table(cost) }}
{% if waiting %}
{{ pieces.unconfirmed(waiting) }}
{% endif %}
{% endif %}
{% for one in accounts %}

## {{ one.name }}

{% for part in one.parts %}
### {{ part.title }}: {{ part.words }}

{% if part.for_life %}
{{ pieces.for_life() }}

{% endif %}
{% if part.stop %}
{{ pieces.failure(part.stop) }}
{% endif %}
{{ pieces.groups(part.groups, 50, "run.json") }}
{% else %}
{{ pieces.no_device() }}

{% endfor %}
{% endfor %}
"""

TEMPLATES = {"run.html": _HTML, "run.md": _MARKDOWN}
