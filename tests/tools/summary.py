# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counts results: nox's reports of its sessions, and pytest's reports of its tests."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path


def count_session(report: Path) -> Counter[str]:
    """Count the session of a report by its result, and print its name if it did not pass. No report is a failure."""
    if not report.is_file():
        print(f"session {report.stem}: failed (no report)")
        return Counter(failed=1)
    counts: Counter[str] = Counter()
    for session in json.loads(report.read_text(encoding="utf-8"))["sessions"]:
        result = {"success": "passed", "skipped": "skipped"}.get(session["result"], "failed")
        counts[result] += 1
        if result != "passed":
            print(f"session {session['name']}: {result} ({session['reason'] or 'see above'})")
    return counts


def count_tests(report: Path) -> Counter[str]:
    """Count pytest's tests by result, and print the reasons of skipped tests."""
    counts: Counter[str] = Counter()
    root = ET.parse(report).getroot()
    for suite in root.iter("testsuite"):
        failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped = int(suite.get("skipped", 0))
        counts.update(failed=failed, skipped=skipped, passed=int(suite.get("tests", 0)) - failed - skipped)
    for reason in sorted({skip.get("message", "") for skip in root.iter("skipped")}):
        print(f"{report.stem}: skipped: {reason}")
    return counts


def main(sessions: list[Path], tests: list[Path]) -> int:
    """Print the counts; return 1 if anything failed or nothing passed."""
    total: Counter[str] = Counter()
    for name, parts in (("sessions", map(count_session, sessions)), ("tests", map(count_tests, tests))):
        counts: Counter[str] = sum(parts, Counter())
        print(f"{name}: {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
        total += counts
    print(f"{total['passed']} passed, {total['failed']} failed")
    return 1 if total["failed"] or not total["passed"] else 0
