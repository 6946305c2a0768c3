# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What all pages share: the frame of an HTML page, and the pieces of which pages are made."""

from __future__ import annotations

from .._text.html import STYLE
from .sentences import SENTENCES

_FRAME = (
    """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{{ title }}</title>
<style>"""
    + f"{{% raw %}}{STYLE}{{% endraw %}}"
    + """{% block style %}{% endblock %}</style></head>
<body><main>
{% block main %}{% endblock %}
</main></body></html>
"""
)

_HTML = """\
{% macro strong(text) %}<strong>{{ text }}</strong>{% endmacro %}

{% macro bad(text) %}<p class="failure">{{ text }}</p>{% endmacro %}

{% macro tile(name, value, more) %}
<div><dt>{{ name }}</dt><dd>{{ value }} <small>{{ more }}</small></dd></div>
{% endmacro %}

{% macro contents(titles, shown, more=[]) %}
<nav aria-label="Contents"><ul>
{% for anchor, name in (titles.items() | list) + more if anchor not in shown or shown[anchor] %}
<li><a href="#{{ anchor }}">{{ name }}</a></li>
{% endfor %}
</ul></nav>
{% endmacro %}

{% macro heads(names, numbers=0) %}
<thead><tr>
{% for name in names %}
<th{% if loop.index > names | length - numbers %} class="number"{% endif %}>{{ name }}</th>
{% endfor %}
</tr></thead>
{% endmacro %}

{% macro number(name, value, tone="") %}
<td data-th="{{ name }}" class="number {{ tone }}">{{ value | number }}</td>
{% endmacro %}

{% macro devices(rows, count, where, columns=["device", "what", "why"]) %}
<div class="wide"><table>
{{ heads(columns) }}<tbody>
{% for row in rows %}
<tr><td>{{ row.device_id }}</td>
{% if "what" in columns %}
<td>{{ row.outcome }}</td>
{% endif %}
{% if "why" in columns %}
<td>{{ row.reason }}</td>
{% endif %}
</tr>
{% endfor %}
</tbody></table></div>
{% if count > rows | length %}
<p>{{ more(count - rows | length, where) }}</p>
{% endif %}
{% endmacro %}

{% macro groups(found, most, where) %}
{% for group in found | within(most) %}
<details{% if group.rows | length <= 20 %} open{% endif %}>
<summary>{{ how_many(group) }}</summary>
{{ devices(group.rows, group.count, where, ["device", "why"] if group.reasons else ["device"]) }}</details>
{% endfor %}
{% endmacro %}

{% macro failure(one, where="") %}
<p class="failure">
{% if where %}
{{ where }}:
{% endif %}
{{ strong(one.words) }} {{ one.message }} <small>({{ one.code }})</small></p>
{% endmacro %}

{% macro cost_table(cost) %}
<p>{{ strong(monthly(cost)) }} {{ bill() }}
{{ uncounted(cost) }}</p>
<div class="wide"><table class="cards">
{{ heads(["license", "price", "remove", "assign", "a month", "once"], 5) }}<tbody>
{% for row in cost.rows %}
<tr><td data-th="license">{{ row.license }}</td><td data-th="price" class="number">{{ row.price }}</td>
{{ number("remove", row.remove) }}{{ number("assign", row.assign) }}
<td data-th="a month" class="number">{{ row.monthly }}</td><td data-th="once" class="number">{{ row.once }}</td></tr>
{% endfor %}
</tbody></table></div>
{% endmacro %}

{% macro left(one, where) %}
{% if one.count %}
<p class="failure">{{ strong(one.words) }} {{ one.advice }}</p>
{% if one.rows %}
{{ devices(one.rows, one.listed, where) }}
{% endif %}
{% endif %}
{% endmacro %}
"""

_MARKDOWN = """\
{% macro strong(text) %}**{{ text }}**{% endmacro %}

{% macro devices(rows, count, where, what=true, why=true) %}
| device |{% if what %} what |{% endif %}{% if why %} why |{% endif %}

|---|{% if what %}---|{% endif %}{% if why %}---|{% endif %}

{% for row in rows %}
| {{ row.device_id }} |{% if what %} {{ row.outcome }} |{% endif %}{% if why %} {{ row.reason }} |{% endif %}

{% endfor %}
{% if count > rows | length %}

{{ more(count - rows | length, where) }}
{% endif %}
{% endmacro %}

{% macro groups(found, most, where) %}
{% for group in found | within(most) %}
<details><summary>{{ how_many(group) }}</summary>

{{ devices(group.rows, group.count, where, false, group.reasons) }}
</details>

{% endfor %}
{% endmacro %}

{% macro failure(one, where="") %}
{% if where %}{{ where }}: {% endif %}{{ strong(one.words) }} {{ one.message }} ({{ one.code }})

{% endmacro %}

{% macro cost_table(cost) %}
{{ bill() }}

| license | price | remove | assign | a month | once |
|---|--:|--:|--:|--:|--:|
{% for row in cost.rows %}
| {{ row.license }} | {{ row.price }} | {{ row.remove | number }} | {{ row.assign | number }} |
{%- for amount in [row.monthly, row.once] %}
 {{ amount }} |
{%- endfor %}

{% endfor %}
{% endmacro %}

{% macro left(one, where) %}
{% if one.count %}
{{ strong(one.words) }}

{% if one.advice %}
{{ one.advice | safe }}

{% endif %}
{% if one.rows %}
{{ devices(one.rows[:50], one.listed, where) }}
{% endif %}
{% endif %}
{% endmacro %}
"""

LAYOUT = {"frame.html": _FRAME, "pieces.html": SENTENCES + _HTML, "pieces.md": SENTENCES + _MARKDOWN}
"""The templates on which others stand."""
