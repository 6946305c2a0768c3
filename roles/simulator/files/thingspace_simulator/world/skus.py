# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The SIM-Secure SKUs, and the license type that an account shows for each."""

from __future__ import annotations

LIFETIME = "SIMSec-IoT-Lt"
# The SIM-Secure SKUs (assign page). Only the type "Flexible Bundle" is documented; the others are ours.
SIMSEC_SKUS = {
    LIFETIME: "Lifetime",
    "SIMSec-IoT": "Flexible",
    "TS-BUNDLE-KTO-SIMSEC-MRC": "Flexible Bundle",
    "TSS-IOT-INTLG-TIERED-SIMSEC": "Flexible Tiered",
}
