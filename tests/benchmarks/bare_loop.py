# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads all pages over one kept-alive session and does nothing else but follow the cursor: the least time it takes.

Run by C(no_op.py) as a process of its own: C(bare_loop.py BASE_URL ACCOUNT). Prints the sum of the page latencies.
"""

from __future__ import annotations

import json
import sys
import time

import requests

WORD = "not-secret"
TIMEOUT = 60


def main(base: str, account: str) -> None:
    """Log in, read the pages, print pages and seconds."""
    with requests.Session() as session:
        session.trust_env = False
        form = {"grant_type": "client_credentials"}
        token = session.post(f"{base}/ts/v1/oauth2/token", data=form, auth=(WORD, WORD), timeout=TIMEOUT).json()
        session.headers["Authorization"] = f"Bearer {token['access_token']}"
        user = {"username": WORD, "password": WORD}
        login = session.post(f"{base}/m2m/v1/session/login", json=user, timeout=TIMEOUT).json()
        session.headers["VZ-M2M-Token"] = login["sessionToken"]
        cursor, pages, seconds = "0", 0, 0.0
        while True:
            began = time.perf_counter()
            answer = session.get(f"{base}/fota/v3/licenses/{account}/index/{cursor}", timeout=TIMEOUT)
            seconds += time.perf_counter() - began
            pages += 1
            page = answer.json()
            if not page["hasMoreData"]:
                break
            cursor = page["lastSeenDeviceId"]
    print(json.dumps({"pages": pages, "seconds": seconds}))


if __name__ == "__main__":
    main(*sys.argv[1:3])
