# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stateful stand-in for the Verizon ThingSpace REST API, standard library only."""

from __future__ import annotations

NAME = "ThingSpace simulator"
VERSION = "1.0.0"
