# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option of modules that show their progress. PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of C(PROGRESS_SPEC) in C(module_utils/_options.py)."""

    DOCUMENTATION = r"""
options:
  progress_file:
    description:
      - File with the progress of the task, which is kept up to date, also in check mode. It contains one line of JSON
        with C(text), the numbers C(done), C(of), and C(failed), C(time), and C(ended).
      - By default, a temporary file is used if the connection is V(local).
      - With that connection, C(ansible-playbook) shows the text while the task runs. The first line appears after five
        seconds, and the intervals then grow to one minute. A line is shown only if the text has changed. The
        environment variable E(THINGSPACE_PROGRESS_INTERVAL) sets the seconds until the first line. V(0) shows none.
        Tasks that run in the background (C(async)) or with C(no_log) show nothing.
      - If the file cannot be written, the task continues without it.
    type: path
    version_added: 0.4.0
"""
