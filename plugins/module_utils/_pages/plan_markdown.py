# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The templates of a plan's page in Markdown."""

from __future__ import annotations

PARTS = """\
{% import "builtin/pieces.md" as pieces %}
{% macro account(one, where) %}
{% if one.told %}

## {{ one.name }}

{{ pieces.file(one) }}

{% if one.frozen %}
{{ pieces.frozen(one.frozen) }}

{% endif %}
{% if one.failure %}
{{ pieces.failure(one.failure) }}
{% endif %}
{% for note in one.notes %}
{{ note }}

{% endfor %}
{{ pieces.left(one.left, where) }}
{% for part in one.parts %}
### {{ part.title }}: {{ part.words }}

{% if part.for_life %}
{{ pieces.for_life() }}

{% endif %}
{% for stop in part.stops %}
{{ pieces.failure(stop) }}
{% endfor %}
{% if part.waves %}
{{ part.waves }}

{% endif %}
{% if part.note %}
{{ pieces.as_they_are(part.note) }}

{% endif %}
{% if part.missing %}
{{ pieces.strong(part.missing) }}

{% endif %}
{{ pieces.left(part.left, where) }}
{{ pieces.groups(part.groups, 50, where) }}
{% endfor %}
{% if one.stays.count %}
### {{ pieces.not_undone(one.stays) }}

| license | device | was | why it stays |
|---|---|---|---|
{% for row in one.stays.rows[:50] %}
| {{ row.license }} | {{ row.device_id }} | {{ row.done }} | {{ row.reason }} |
{% endfor %}
{% if one.stays.count > 50 %}
| ... | and {{ (one.stays.count - 50) | number }} more | | see cannot.csv |
{% endif %}
{% endif %}
{% endif %}
{% endmacro %}
"""
"""The account's section, on the pages of a plan and of an undo."""

PLAN = """\
{% import "builtin/pieces.md" as pieces %}
{% import "builtin/parts.md" as parts %}
# {{ title }}: {{ headline }}

{% block top %}
**{{ totals }}** in {{ of_accounts }}. Made {{ created }}.

{% if again %}
{{ pieces.once_more(again) }}

{% endif %}
{% if for_life %}
**{{ for_life | many("license") }} for life.**

{% endif %}
{% if cost %}
**{{ pieces.monthly(cost, "If applied: assigned") }}**
{{ pieces.uncounted(cost) }}

{% endif %}
{% if left %}
**{{ not_as_wanted }}**

{% endif %}
{% endblock %}
{% if stops %}
## {{ pieces.stops_title[let_through] }}

{% for stop in stops %}
{{ pieces.failure(stop, stop.where) }}
{{ pieces.helps(stop, approval, helped) }}

{% endfor %}
{% endif %}
{% if pools %}
## {{ pieces.plan_titles.pools }}

| account | license | bought | assigned now | remove | assign | assigned then | free now | free then |
|---|---|--:|--:|--:|--:|--:|--:|--:|
{% for pool in pools %}
| {{ pool.account }} | {{ pool.license }} |
{%- for count in [pool.total, pool.held, pool.remove, pool.assign, pool.held_after, pool.free, pool.free_after] %}
 {{ count | number }} |
{%- endfor %}

{% endfor %}

{% for pool in pools if pool.short %}
{{ pieces.short(pool) }}

{% endfor %}
{% endif %}
{% if cost %}
## {{ pieces.plan_titles.cost }}

{{ pieces.cost_table(cost) }}
{% endif %}
## {{ pieces.plan_titles.approve }}

{% block approve %}
{% if approval == "approved" %}
{{ pieces.is_approved() }}
{% elif approval == "differs" %}
{{ pieces.differs() }}
{% elif not (licenses.remove or licenses.assign or entries.remove or entries.add or entries.move) %}
{{ pieces.nothing() }}
{% elif not helped %}
{{ pieces.unhelped() }}
{% else %}
{% if covers %}
{{ covers }}

{% endif %}
{% if command %}
Run this. {{ pieces.nothing_written() }}

    {{ command | code }}

{% endif %}
{% block command %}
{% if command %}
{% elif not (accounts | map(attribute="file") | select | list) %}
{{ pieces.same_answers() }}

    ansible-playbook thingspace.licensing.license_devices -e license_mode=run -e approved={{ digest }}
{% else %}
{{ pieces.same_variables("apply") }}

    ansible-playbook thingspace.licensing.apply -e fleet=... -e approved={{ digest }}
{% endif %}

{{ pieces.with_file() }}
{% endblock %}
{% endif %}
{% endblock %}

Plan digest: `{{ digest }}`

## {{ pieces.plan_titles.accounts }}

| account |{% for kind in kinds %} {{ kind }} |{% endfor %} status |
|---|{% for kind in kinds %}---|{% endfor %}---|
{% for one in accounts %}
| {{ one.name }} |{% for cell in one.cells %} {{ cell }} |{% endfor %} {{ one.status_words }} |
{% endfor %}
{% for one in accounts %}
{{ parts.account(one, "the plan file") }}
{% endfor %}
"""
