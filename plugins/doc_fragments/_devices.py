# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that list devices, and options about reporting on them. PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of C(DEVICE_SPEC) and C(REPORT_SPEC) in C(module_utils/_options.py)."""

    DOCUMENTATION = r"""
options:
  devices:
    description:
      - The device ids, as a flat list of strings. Write them in quotes, because a number loses its leading zeros.
      - For more than a few thousand devices, O(devices_file) is much faster.
      - All malformed and repeated ids are reported together, and then nothing is sent.
    type: list
    elements: raw
  devices_file:
    description:
      - File with the device ids, on the machine where the module runs. It is a CSV file with or without a header line,
        separated by commas, semicolons, tabs, or bars, or has one id per line. A header line may be one of the first 20
        lines.
      - A report that M(thingspace.licensing.device_info) wrote is recognized by its header line. Rows without such an
        id are left out, and a device that is listed twice counts once. A warning says how many.
      - Blank lines, spaces, quotes, a byte order mark, and the C(="...") of spreadsheets are handled, and so are
        hyphens and spaces between the 15 digits of an IMEI, and the F at the end of an ICCID. Ids in scientific
        notation (C(9.9E+14)) have lost digits and are refused.
      - All malformed and repeated ids are reported together with their lines, and then nothing is sent.
    type: path
  devices_text:
    description:
      - The device ids in a text that someone pastes into a form, for example into the survey of an AWX job template.
      - A single line is a list of ids with commas, semicolons, tabs, bars, or spaces between them. Several lines are
        read like O(devices_file), so they may be a CSV file with a header line, or one id per line.
      - All malformed and repeated ids are reported together with their lines, or with their places in a single line,
        and then nothing is sent. A text without ids lists no devices.
      - A long text is not repeated in the C(invocation) of the task, and neither is a long list of O(devices).
    type: str
    version_added: 0.4.0
  devices_column:
    description:
      - Column of O(devices_file) or O(devices_text) that holds the ids, as its name in the header line (in any case) or
        its number from 1.
      - By default, it is a column named like C(imei) or C(device_id), the only one whose name contains C(imei), or the
        only one with an id in it. A column of another kind of id is never used.
    type: str
  devices_delimiter:
    description:
      - The separator between the columns of O(devices_file) or O(devices_text).
      - By default, it is the separator that results in a column of ids.
    type: str
    choices: [comma, semicolon, tab, bar]
    version_added: 0.6.0
  check_digit:
    description:
      - Whether to warn about ids with a wrong check digit, which may be typing errors.
      - This never fails the task, because real and documented ids break the rule.
    type: bool
    default: false
  report:
    description:
      - Which devices RV(ignore:devices) lists.
      - V(changed) lists devices that changed or did not reach the wanted state. V(failed) lists only the latter.
      - Unless it is V(all), at most 1,000 devices are listed, failed and unknown devices first, and
        RV(ignore:devices_left_out) counts the others. O(devices_report) always has all of them.
    type: str
    choices: [changed, failed, all, none]
    default: changed
  devices_report:
    description:
      - CSV file for all rows, whatever O(report) says. It is also written in check mode, with the predicted results.
    type: path
"""
