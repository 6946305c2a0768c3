# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counts the results of ``make test``: nox's report of its sessions, and pytest's report of its tests."""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path


def count_sessions(report: Path) -> Counter[str]:
    """Count the sessions by result, and name those that did not pass."""
    counts: Counter[str] = Counter()
    for session in json.loads(report.read_text(encoding="utf-8"))["sessions"]:
        result = {"success": "passed", "skipped": "skipped"}.get(session["result"], "failed")
        counts[result] += 1
        if result != "passed":
            print(f"session {session['name']}: {result} ({session['reason'] or 'see above'})")
    return counts


def count_tests(report: Path) -> Counter[str]:
    """Count pytest's tests by result."""
    counts: Counter[str] = Counter()
    for suite in ET.parse(report).getroot().iter("testsuite"):
        failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped = int(suite.get("skipped", 0))
        counts.update(failed=failed, skipped=skipped, passed=int(suite.get("tests", 0)) - failed - skipped)
    return counts


def main(nox_report: str, units_report: str) -> int:
    """Print the counts; a report that is not there is a failure."""
    total: Counter[str] = Counter()
    for name, count, path in (
        ("sessions", count_sessions, Path(nox_report)),
        ("tests", count_tests, Path(units_report)),
    ):
        if not path.is_file():
            print(f"{name}: no report")
            total["failed"] += 1
            continue
        counts = count(path)
        print(f"{name}: {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
        total += counts
    print(f"{total['passed']} passed, {total['failed']} failed")
    return 1 if total["failed"] or not total["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
