# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with a control: one 400 that names every problem, and nothing is applied."""

from __future__ import annotations

from typing import Any

from ..http.messages import Request


class Refused(Exception):
    """The body or the query of a control is wrong; carries every problem."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def body_of(request: Request) -> Any:
    """Parse the body of a control."""
    try:
        return request.json()
    except ValueError as error:
        raise Refused([f"the body is not JSON: {error}"]) from error
