# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that name devices, and options about reporting on them. PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of C(module_utils/_devices/wanted.py) and C(module_utils/_plan/outcomes.py)."""

    DOCUMENTATION = r"""
options:
  devices:
    description:
      - The device ids, as a flat list of strings. Write them in quotes; a number loses its leading zeros.
      - For more than a few thousand devices O(devices_file) is much faster.
      - Every malformed or repeated id is reported at once, and then nothing is sent.
    type: list
    elements: raw
  devices_file:
    description:
      - File with the device ids, on the machine where the module runs. A CSV file with or without a header line,
        separated by comma, semicolon, tab or bar, or one id per line. A header line may stand in one of the first 20
        lines.
      - A report that M(thingspace.licensing.device_info) wrote is recognized by its header line. Its rows without such
        an id are left out, and a device that it has twice counts once; a warning says how many.
      - Blank lines, spaces, quotes, a byte order mark and the C(="...") of spreadsheets are understood, and so are
        hyphens and blanks between the 15 digits of an IMEI, and the F at the end of an ICCID. Ids in
        scientific notation (C(9.9E+14)) have lost digits and are refused.
      - Every malformed or repeated id is reported at once with its line, and then nothing is sent.
    type: path
  devices_text:
    description:
      - The device ids in a text as people paste it into a form, for example into the survey of an AWX job template.
      - One line is a list of ids with commas, semicolons, tabs, bars or blanks between them. Several lines are read as
        O(devices_file) is, so that they may be a CSV file with a header line, or one id per line.
      - Every malformed or repeated id is reported at once with its line, or with its place in the only line, and then
        nothing is sent. A text without any id names no device.
      - A long text is not repeated in the task's C(invocation), and neither is a long list of O(devices).
    type: str
    version_added: 0.4.0
  devices_column:
    description:
      - Column of O(devices_file) or O(devices_text) that holds the ids, as its name in the header line (in any case) or
        its number from 1.
      - If not given, a column named like C(imei) or C(device_id) is taken, the only one whose name contains C(imei), or
        the only one with an id in it. A column of another kind of id is never taken.
    type: str
  devices_delimiter:
    description:
      - What separates the columns of O(devices_file) or O(devices_text).
      - If not given, it is what makes a column of ids.
    type: str
    choices: [comma, semicolon, tab, bar]
    version_added: 0.6.0
  check_digit:
    description:
      - Whether to warn about ids whose check digit does not fit, which points at typing errors.
      - It never fails the task, because real and documented ids break the rule.
    type: bool
    default: false
  report:
    description:
      - Which devices RV(ignore:devices) lists.
      - V(changed) are those that changed or did not reach the wanted state, V(failed) only the latter.
      - Unless it is V(all), at most 1,000 devices are listed, first of all those that failed or are unknown, and
        RV(ignore:devices_left_out) counts the others. O(devices_report) always has all of them.
    type: str
    choices: [changed, failed, all, none]
    default: changed
  devices_report:
    description:
      - File to write all rows to, as CSV, whatever O(report) says. It is written in check mode too, with what would
        happen.
    type: path
"""
