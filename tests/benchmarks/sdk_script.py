# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The job as a script on Verizon's public SDK: list all pages, compare with the fleet file, assign what is missing.

Run by C(alternatives.py) as a process of its own: C(sdk_script.py BASE_URL ACCOUNT FILE BATCH).
"""

from __future__ import annotations

import json
import sys
import time

# Taken before the imports below, which are part of what a run of such a script costs (hence their E402).
_began = time.perf_counter()

from verizon.configuration import Configuration, Environment  # noqa: E402
from verizon.http.auth.thingspace_oauth import ThingspaceOauthCredentials  # noqa: E402
from verizon.http.auth.vz_m2m_token import VZM2mTokenCredentials  # noqa: E402
from verizon.models.log_in_request import LogInRequest  # noqa: E402
from verizon.models.v3_license_imei import V3LicenseIMEI  # noqa: E402
from verizon.verizon_client import VerizonClient  # noqa: E402

WORD = "not-secret"


def log_in(base: str) -> VerizonClient:
    """Make a client with both tokens, each asked for once."""
    servers = Configuration.environments[Environment.PRODUCTION]
    for server, url in servers.items():
        servers[server] = url.replace("https://thingspace.verizon.com/api", base)
    oauth = ThingspaceOauthCredentials(oauth_client_id=WORD, oauth_client_secret=WORD)
    client = VerizonClient(thingspace_oauth_credentials=oauth)
    oauth = oauth.clone_with(oauth_token=client.thingspace_oauth.fetch_token())
    client = VerizonClient(thingspace_oauth_credentials=oauth)
    answer = client.session_management.start_connectivity_management_session(LogInRequest(username=WORD, password=WORD))
    session = VZM2mTokenCredentials(vz_m2m_token=answer.body.session_token)
    return VerizonClient(thingspace_oauth_credentials=oauth, vz_m2m_token_credentials=session)


def main(base: str, account: str, path: str, batch: int) -> None:
    """Converge, print how many devices were assigned and the seconds without importing the SDK."""
    imported = time.perf_counter()
    licenses = log_in(base).software_management_licenses_v3
    held: set[str] = set()
    cursor, more = "0", True
    while more:
        page = licenses.get_account_licenses_status(account, cursor).body
        held.update(device.device_id for device in page.device_list)
        cursor, more = str(page.last_seen_device_id), page.has_more_data
    with open(path, encoding="utf-8") as stream:
        missing = [line.strip() for line in stream if line.strip() not in held]
    assigned = 0
    for start in range(0, len(missing), batch):
        body = V3LicenseIMEI(device_list=missing[start : start + batch])
        answer = licenses.assign_licenses_to_devices(account, body).body
        assigned += sum("success" in device.status.lower() for device in answer.device_list)
    if assigned != len(missing):
        sys.exit(f"{assigned} of {len(missing)} devices were assigned")
    ended = time.perf_counter()
    print(json.dumps({"assigned": assigned, "import": imported - _began, "work": ended - imported}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
