# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The titles and sentences that a page in HTML and one in Markdown share, each in one place.

They begin both C(pieces) templates, which have the macro C(strong) in their own markup.
"""

from __future__ import annotations

_PLAN = """\
{% set stops_title = {false: "What is stopped, and why", true: "What goes beyond a limit, and is approved"} %}

{% set plan_titles = {
  "stops": stops_title[false],
  "left": "What stays undone",
  "pools": "Pools, if this plan is applied",
  "cost": "Cost of assigned licenses, if applied",
  "approve": "How to approve",
  "accounts": "Accounts",
} %}

{% macro helps(stop, approval, helped) %}
{% if stop.uncovered and helped %}
An approval does not cover this {{ stop.uncovered }}. Remove the cause, and plan again.
{%- elif stop.uncovered %}
An approval does not help. Remove the cause, and plan again.
{%- elif approval == "approved" %}
This plan is approved, which lets this through.
{%- else %}
An approval lets this through.
{%- endif %}
{% endmacro %}

{% macro once_more(why) %}{{ strong("Once more.") }} {{ why }}{% endmacro %}

{% macro frozen(until) %}{{ strong("This account is frozen.") }} {{ until }}{% endmacro %}

{% macro file(one) %}
{% if one.file %}
Fleet file: {{ one.file }}.
{% endif %}
{% if one.sets %}
Sets: {% for each in one.sets %}
{{- each.name }} ({{ each.count | many("device") }}){% if not loop.last %}, {% endif %}
{% endfor %}.
{% endif %}
{% endmacro %}

{% macro as_they_are(note) %}Left as they are: {{ note }}{% endmacro %}

{% macro short(pool) %}
{{ strong(pool.account ~ ", " ~ pool.license ~ ": " ~ pool.short | many("license") ~ " too few.") }}
{%- endmacro %}

{% macro is_approved() %}This is the approved plan.{% endmacro %}

{% macro differs() %}{{ strong("This is not the approved plan.") }} Nothing of it is carried out.{% endmacro %}

{% macro nothing() %}There is nothing to approve.{% endmacro %}

{% macro unhelped() %}{{ strong("An approval does not help.") }} Remove the cause, and plan again.{% endmacro %}

{% macro nothing_written() %}If anything has changed by then, nothing is written.{% endmacro %}

{% macro same_answers() %}Give the same answers, and the digest of this plan. {{ nothing_written() }}{% endmacro %}

{% macro with_file() %}
With the plan.json of this plan instead of its digest, accounts that cannot be read by then and parts that are already
applied do not count as differences. In a workflow, approve its node.
{%- endmacro %}

{% macro same_variables(playbook) %}
Run {{ playbook }} with the variables of this plan and its digest. {{ nothing_written() }}
{%- endmacro %}
"""

_UNDO = """\
{% macro undone(run) %}
The run ({{ run.kind }}) was from {{ run.started }} {{ "to " ~ run.ended if run.ended else "without an end" }}. Its
status is {{ run.status }}.
{%- endmacro %}

{% macro later_runs() %}
{{ strong("Later runs are not known: no history was given.") }} Their changes may be undone, too.
{%- endmacro %}

{% macro stay(count) %}
{{ strong(count | many("change of the run is not undone", "changes of the run are not undone") ~ ".") }}
{%- endmacro %}

{% macro not_undone(stays) %}Not undone: {{ stays.words }}{% endmacro %}

{% macro revert() %}
If fleet files want it, revert their commit, too: otherwise the next apply does again what is undone here.
{%- endmacro %}
"""

_RUN = """\
{% set run_titles = {
  "stops": "What failed, and why",
  "next": "What to do next",
  "cost": "Cost of assigned licenses",
} %}

{% macro ran(word, started, ended) %}
Status: {{ word }}. Started {{ started }}{{ ", ended " ~ ended if ended else "" }}.
{%- endmacro %}

{% macro running() %}
{{ strong("This page was made when the run started.") }} If the run is not in progress, it was killed.
{%- endmacro %}

{% macro reverse() %}To reverse the run as far as licenses can be removed:{% endmacro %}

{% set undo_command = "ansible-playbook thingspace.licensing.undo -e run=run.json -e fleet_dest=undo --check" %}

{% macro irreversible() %}The record has nothing to reverse.{% endmacro %}

{% macro unconfirmed(count) %}Not counted: {{ count | many("device") }} without a confirmation.{% endmacro %}

{% macro no_device() %}The record has no device of this account.{% endmacro %}
"""

_BOTH = """\
{% macro for_life() %}{{ strong("For life: these licenses can never be removed.") }}{% endmacro %}

{% macro more(count, where) %}And {{ count | number }} more: see {{ where }}.{% endmacro %}

{% macro how_many(group) %}
{{ group.word }}: {{ group.rows | length | number }} of {{ group.count | number }} shown
{%- endmacro %}

{% macro monthly(cost, begins="Assigned") %}
{{ begins }} licenses cost {{ cost.monthly }} a month
{{- "; " ~ cost.once ~ " once for lifetime licenses" if cost.once }}.
{%- endmacro %}

{% macro bill() %}Every bought license costs its price, assigned or free: the bill does not change.{% endmacro %}

{% macro uncounted(cost) %}
{% if cost.unknown %}
Not counted, because there is no price: {{ cost.unknown | join(", ") }}.
{% endif %}
{% if cost.unplanned %}
Not counted: {{ cost.unplanned | many("account") }} without a plan.
{% endif %}
{% endmacro %}
"""

SENTENCES = f"{_BOTH}\n{_PLAN}\n{_UNDO}\n{_RUN}\n"
