# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The templates of a plan's page in HTML."""

from __future__ import annotations

PARTS = """\
{% import "builtin/pieces.html" as pieces %}
{% macro account(one, where) %}
{% if one.told %}
<section><h2 id="{{ one.anchor }}">{{ one.name }}</h2>
{% if one.file or one.sets %}
<p>{{ pieces.file(one) }}</p>
{% endif %}
{% if one.frozen %}
{{ pieces.bad(pieces.frozen(one.frozen)) }}
{% endif %}
{% if one.failure %}
{{ pieces.failure(one.failure) }}
{% endif %}
{% for note in one.notes %}
<p>{{ note }}</p>
{% endfor %}
{{ pieces.left(one.left, where) }}
{% for part in one.parts %}
<h3>{{ part.title }}: {{ part.words }}</h3>
{% if part.for_life %}
{{ pieces.bad(pieces.for_life()) }}
{% endif %}
{% for stop in part.stops %}
{{ pieces.failure(stop) }}
{% endfor %}
{% if part.waves %}
<p>{{ part.waves }}</p>
{% endif %}
{% if part.note %}
<p>{{ pieces.as_they_are(part.note) }}</p>
{% endif %}
{% if part.missing %}
{{ pieces.bad(pieces.strong(part.missing)) }}
{% endif %}
{{ pieces.left(part.left, where) }}
{{ pieces.groups(part.groups, 1000, where) }}
{% endfor %}
{% if one.stays.count %}
<h3>{{ pieces.not_undone(one.stays) }}</h3>
<div class="wide"><table>
{{ pieces.heads(["license", "device", "was", "why it stays"]) }}<tbody>
{% for row in one.stays.rows %}
<tr><td>{{ row.license }}</td><td>{{ row.device_id }}</td><td>{{ row.done }}</td>
<td>{{ row.reason }} <small>({{ row.code }})</small></td></tr>
{% endfor %}
</tbody></table></div>
{% if one.stays.count > one.stays.rows | length %}
<p>{{ pieces.more(one.stays.count - one.stays.rows | length, "cannot.csv") }}</p>
{% endif %}
{% endif %}
</section>
{% endif %}
{% endmacro %}
"""
"""The account's section, on the pages of a plan and of an undo."""

PLAN = """\
{% extends "builtin/frame.html" %}
{% import "builtin/pieces.html" as pieces %}
{% import "builtin/parts.html" as parts %}
{% set shown = {"stops": stops, "left": left or frozen, "pools": pools, "cost": cost, "approve": 1, "accounts": 1} %}
{% block main %}
<h1>{{ title }}: <span class="{{ status }}">{{ headline }}</span></h1>
{% block top %}
<p><strong>{{ totals }}</strong> in {{ of_accounts }}. Made {{ created }}.</p>
{% if again %}
{{ pieces.bad(pieces.once_more(again)) }}
{% endif %}
<dl class="tiles">
{{ pieces.tile("Licenses to remove", licenses.remove | number, "first in each list" if licenses.remove else "") }}
{{ pieces.tile("Licenses to assign", licenses.assign | number,
  (for_life | number) ~ " of them for life" if for_life else "") }}
{% if cost %}
{{ pieces.tile("Assigned licenses, a month", cost.monthly, (cost.once ~ " once, for life" if cost.once else "")
  ~ (" (as far as there are prices)" if cost.unknown else "")) }}
{% endif %}
{% if entries.remove or entries.add or entries.move %}
{{ pieces.tile("Removal candidates", (entries.remove + entries.add + entries.move) | number,
  entries.remove | number ~ " to remove, " ~ entries.add | number ~ " to add, " ~ entries.move | number ~ " to move") }}
{% endif %}
{{ pieces.tile("Not as wanted", left | number, "not changed by this plan") }}
</dl>
{% endblock %}
{{ pieces.contents(dict(pieces.plan_titles, stops=pieces.stops_title[let_through]), shown) }}
{% if stops %}
<section><h2 id="stops">{{ pieces.stops_title[let_through] }}</h2>
{% for stop in stops %}
{{ pieces.failure(stop, stop.where) }}
<p>{{ pieces.helps(stop, approval, helped) }}</p>
{% endfor %}
</section>
{% endif %}
{% if left or frozen %}
<section><h2 id="left">{{ pieces.plan_titles.left }}</h2><ul>
{% if left %}
<li>{{ not_as_wanted }} Each is listed with its account.</li>
{% endif %}
{% for name in frozen %}
<li>{{ name }} is frozen: nothing is changed before that ends, whatever is approved.</li>
{% endfor %}
</ul></section>
{% endif %}
{% if pools %}
<section><h2 id="pools">{{ pieces.plan_titles.pools }}</h2>
<div class="wide"><table class="cards">
{{ pieces.heads(["account", "license", "bought", "assigned now", "remove", "assign", "assigned then", "free now",
  "free then"], 7) }}<tbody>
{% for pool in pools %}
<tr><td data-th="account">{{ pool.account }}</td><td data-th="license">{{ pool.license }}</td>
{{ pieces.number("bought", pool.total) }}{{ pieces.number("assigned now", pool.held) }}
{{ pieces.number("remove", pool.remove) }}{{ pieces.number("assign", pool.assign) }}
{{ pieces.number("assigned then", pool.held_after) }}{{ pieces.number("free now", pool.free) }}
{{ pieces.number("free then", pool.free_after, "error" if pool.short else "") }}</tr>
{% endfor %}
</tbody></table></div>
{% for pool in pools if pool.short %}
{{ pieces.bad(pieces.short(pool)) }}
{% endfor %}
</section>
{% endif %}
{% if cost %}
<section><h2 id="cost">{{ pieces.plan_titles.cost }}</h2>
{{ pieces.cost_table(cost) }}</section>
{% endif %}
<section><h2 id="approve">{{ pieces.plan_titles.approve }}</h2>
{% block approve %}
{% if approval == "approved" %}
<p>{{ pieces.is_approved() }}</p>
{% elif approval == "differs" %}
{{ pieces.bad(pieces.differs()) }}
{% elif not (licenses.remove or licenses.assign or entries.remove or entries.add or entries.move) %}
<p>{{ pieces.nothing() }}</p>
{% elif not helped %}
{{ pieces.bad(pieces.unhelped()) }}
{% else %}
{% if covers %}
{{ pieces.bad(covers) }}
{% endif %}
{% if command %}
<p>Run this. {{ pieces.nothing_written() }}</p>
<pre><code>{{ command }}</code></pre>
{% endif %}
{% block command %}
{% if command %}
{% elif not (accounts | map(attribute="file") | select | list) %}
<p>{{ pieces.same_answers() }}</p>
<pre><code>ansible-playbook thingspace.licensing.license_devices -e license_mode=run \\
  -e approved={{ digest }}</code></pre>
{% else %}
<p>{{ pieces.same_variables("apply") }}</p>
<pre><code>ansible-playbook thingspace.licensing.apply -e fleet=... -e approved={{ digest }}</code></pre>
{% endif %}
<p>{{ pieces.with_file() }}</p>
{% endblock %}
{% endif %}
{% endblock %}
<p>Plan digest: <code>{{ digest }}</code></p>
</section>
<section><h2 id="accounts">{{ pieces.plan_titles.accounts }}</h2>
<div class="wide"><table class="cards">
{{ pieces.heads(["account", "status"] + kinds) }}<tbody>
{% for one in accounts %}
<tr><td data-th="account">
{% if one.told %}
<a href="#{{ one.anchor }}">{{ one.name }}</a>
{% else %}
{{ one.name }}
{% endif %}
</td><td data-th="status" class="{{ one.status }}">{{ one.status_words }}</td>
{% for cell in one.cells %}
<td data-th="{{ kinds[loop.index0] }}">{{ cell }}</td>
{% endfor %}
</tr>
{% endfor %}
</tbody></table></div></section>
{% for one in accounts %}
{{ parts.account(one, "plan.json") }}
{% endfor %}
{% endblock %}
"""
