# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option of modules that tell how far they are. PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of C(module_utils/_progress.py) and C(plugin_utils/_progress.py)."""

    DOCUMENTATION = r"""
options:
  progress_file:
    description:
      - File that is kept up to date with how far the task is, also in check mode, for those who watch it. It holds one
        line of JSON with C(text), the numbers C(done), C(of) and C(failed), C(time), and C(ended).
      - If it is not given and the connection is V(local), a temporary file is taken.
      - With that connection, C(ansible-playbook) shows the text while the task runs, five seconds after its beginning
        at the earliest and then less and less often up to once a minute, and only if it has changed. The environment
        variable E(THINGSPACE_PROGRESS_INTERVAL) sets the seconds until the first line; V(0) shows none. Nothing is
        shown of tasks that run in the background (C(async)) or with C(no_log).
      - If the file cannot be written, the task goes on without.
    type: path
    version_added: 0.4.0
"""
