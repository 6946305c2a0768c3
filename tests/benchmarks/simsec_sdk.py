# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SIM-Secure licenses for all devices of a file as a script on Verizon's public SDK: 100 at a time, one after another.

Run by C(simsec.py) as a process of its own: C(simsec_sdk.py BASE_URL ACCOUNT SKU FILE). It keeps no journal and looks
at nothing before: so it assigns every device each time.
"""

from __future__ import annotations

import json
import sys

from sdk_script import log_in
from verizon.models.assign_license_request import AssignLicenseRequest
from verizon.models.license_device_id import LicenseDeviceId
from verizon.models.license_device_list import LicenseDeviceList

BATCH = 100


def main(base: str, account: str, sku: str, path: str) -> None:
    """Assign, print how many devices were accepted."""
    licenses = log_in(base).sim_secure_for_io_t_licenses
    with open(path, encoding="utf-8") as stream:
        devices = [line.strip() for line in stream]
    for start in range(0, len(devices), BATCH):
        batch = devices[start : start + BATCH]
        listed = [LicenseDeviceList(device_ids=[LicenseDeviceId(id=device, kind="IMEI")]) for device in batch]
        body = AssignLicenseRequest(account_name=account, sku_number=sku, devices=listed)
        if not licenses.assign_license_to_devices(body, f"1-{start:06}").body.request_id:
            sys.exit(f"The request for the devices from {batch[0]} was not accepted")
    print(json.dumps({"accepted": len(devices)}))


if __name__ == "__main__":
    main(*sys.argv[1:5])
