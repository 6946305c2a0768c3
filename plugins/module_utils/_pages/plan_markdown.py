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

{% if one.file %}
Fleet file: {{ one.file }}.
{% endif %}
{% if one.sets %}
Sets: {% for each in one.sets %}
{{- each.name }} ({{ each.count | many("device") }}){% if not loop.last %}, {% endif %}
{% endfor %}.

{% endif %}

{% if one.frozen %}
**This account is frozen.** {{ one.frozen }}

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
**For life: these licenses can never be removed.**

{% endif %}
{% for stop in part.stops %}
{{ pieces.failure(stop) }}
{% endfor %}
{% if part.waves %}
{{ part.waves }}

{% endif %}
{% if part.note %}
Left as they are: {{ part.note }}

{% endif %}
{% if part.missing %}
**{{ part.missing }}**

{% endif %}
{{ pieces.left(part.left, where) }}
{{ pieces.groups(part.groups, 50, where) }}
{% endfor %}
{% if one.stays.count %}
### Not undone: {{ one.stays.words }}

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
**Once more.** {{ again }}

{% endif %}
{% if for_life %}
**{{ for_life | many("license") }} for life.**

{% endif %}
{% if cost %}
**If applied: {{ cost.monthly }} a month{{ "; " ~ cost.once ~ " once for lifetime licenses" if cost.once }}.**
{{ pieces.uncounted(cost) }}

{% endif %}
{% if left %}
**{{ not_as_wanted }}**

{% endif %}
{% endblock %}
{% if stops %}
## What is stopped, and why

{% for stop in stops %}
{{ pieces.failure(stop, stop.where) }}
{{ pieces.helps(stop, approval) }}

{% endfor %}
{% endif %}
{% if pools %}
## Pools, if this plan is applied

| account | license | bought | assigned now | remove | assign | assigned then | free now | free then |
|---|---|--:|--:|--:|--:|--:|--:|--:|
{% for pool in pools %}
| {{ pool.account }} | {{ pool.license }} |
{%- for count in [pool.total, pool.held, pool.remove, pool.assign, pool.held_after, pool.free, pool.free_after] %}
 {{ count | number }} |
{%- endfor %}

{% endfor %}

{% for pool in pools if pool.short %}
**{{ pool.account }}, {{ pool.license }}: {{ pool.short | many("license") }} too few.**

{% endfor %}
{% endif %}
{% if cost %}
## Cost, if this plan is applied

{{ pieces.cost_table(cost) }}
{% endif %}
## How to approve

{% block approve %}
{% if approval == "approved" %}
This is the approved plan.
{% elif approval == "differs" %}
**This is not the approved plan.** Nothing of it is carried out.
{% elif not (licenses.remove or licenses.assign or entries.remove or entries.add or entries.move) %}
There is nothing to approve.
{% elif not helped %}
**An approval does not help.** Remove the cause, and plan again.
{% else %}
{% if not approvable %}
**An approval does not let everything through.** An account in which something is stopped all the same is not changed
at all. Remove the cause and plan again.

{% endif %}
{% if command %}
Run this. If anything has changed by then, nothing is written.

    {{ command | code }}

{% endif %}
{% block command %}
{% if command %}
{% elif not (accounts | map(attribute="file") | select | list) %}
Give the same answers, and the digest of this plan. If anything has changed by then, nothing is written.

    ansible-playbook thingspace.licensing.license_devices -e license_mode=run -e approved={{ digest }}
{% else %}
Run apply with the variables of this plan, and with its digest. If anything has changed by then, nothing is written.

    ansible-playbook thingspace.licensing.apply -e fleet=... -e approved={{ digest }}
{% endif %}
{% endblock %}
{% endif %}
{% endblock %}

Plan digest: `{{ digest }}`

## Accounts

| account |{% for kind in kinds %} {{ kind }} |{% endfor %} status |
|---|{% for kind in kinds %}---|{% endfor %}---|
{% for one in accounts %}
| {{ one.name }} |{% for cell in one.cells %} {{ cell }} |{% endfor %} {{ one.status_words }} |
{% endfor %}
{% for one in accounts %}
{{ parts.account(one, "the plan file") }}
{% endfor %}
"""
