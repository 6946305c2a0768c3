# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What licenses cost. PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of C(PRICES_SPEC) in C(module_utils/_options.py)."""

    DOCUMENTATION = r"""
options:
  prices:
    description:
      - The price of a license, by license, V(FOTA) or a SKU. It is a price per month, or for a lifetime SKU, the price
        that is paid once. Without prices, no cost is shown.
    type: dict
  currency:
    description:
      - The text after an amount, for example V(EUR).
    type: str
    default: ""
"""
