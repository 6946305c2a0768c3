# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options that every module and plugin has. PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of C(module_utils/_client/connection.py)."""

    DOCUMENTATION = r"""
options:
  base_url:
    description:
      - The URL of the API. It ends in C(/api).
      - Plain C(http) is refused unless the host is the local machine (V(localhost), V(127.0.0.1)), where the simulator
        runs.
      - Falls back to the environment variable E(THINGSPACE_BASE_URL).
    type: str
    default: https://thingspace.verizon.com/api
  client_id:
    description:
      - Key of the application (OAuth client credentials), from C(Key Management) in the ThingSpace account settings.
      - Required together with O(client_secret) unless O(access_token) is set.
      - Falls back to the environment variable E(THINGSPACE_CLIENT_ID).
    type: str
  client_secret:
    description:
      - Secret of the application.
      - Falls back to the environment variable E(THINGSPACE_CLIENT_SECRET).
    type: str
  username:
    description:
      - ThingSpace user (the UWS user, not the user of the developer portal).
      - Required together with O(password) unless O(session_token) is set.
      - Falls back to the environment variable E(THINGSPACE_USERNAME).
    type: str
  password:
    description:
      - Password of the ThingSpace user.
      - An account locks after five refused logins. Therefore a refused password is tried at most twice within an hour,
        and a password without a success at most four times, whatever the number of forks and jobs. A different password
        is tried at once.
      - Falls back to the environment variable E(THINGSPACE_PASSWORD).
    type: str
  access_token:
    description:
      - An OAuth access token from elsewhere, for example from M(thingspace.licensing.session).
      - With O(client_id) and O(client_secret), it is renewed when it expires. Without them, the task then fails.
      - Falls back to the environment variable E(THINGSPACE_ACCESS_TOKEN).
    type: str
  session_token:
    description:
      - A session token (C(VZ-M2M-Token)) from elsewhere.
      - With O(username) and O(password), it is renewed when it expires. Without them, the task then fails.
      - Falls back to the environment variable E(THINGSPACE_SESSION_TOKEN).
    type: str
  validate_certs:
    description:
      - Whether to check the server's certificate.
      - Falls back to the environment variable E(THINGSPACE_VALIDATE_CERTS).
    type: bool
    default: true
  ca_path:
    description:
      - File with the certificates of the authorities to trust instead of the usual ones.
      - Overrides the environment variables E(REQUESTS_CA_BUNDLE) and E(CURL_CA_BUNDLE).
      - Cannot be combined with O(validate_certs=false).
      - Falls back to the environment variable E(THINGSPACE_CA_PATH).
    type: path
  timeout:
    description:
      - Total seconds that one request may take, from the connection to the last byte of the answer.
      - Falls back to the environment variable E(THINGSPACE_TIMEOUT).
    type: float
    default: 60
  deadline:
    description:
      - Seconds that the whole task may take, including waits and repetitions.
      - A task that runs out of time reports what happened to each device. Run it again to continue.
      - Falls back to the environment variable E(THINGSPACE_DEADLINE).
    type: float
    default: 3600
  retries:
    description:
      - Maximum number of repetitions of a request.
      - Reads are repeated after server errors and broken connections. Writes are repeated only if they were certainly
        not carried out (no connection, or HTTP 429). Otherwise the account is read back first.
      - Both forms of C(Retry-After) are honored, up to 60 seconds each time.
      - Falls back to the environment variable E(THINGSPACE_RETRIES).
    type: int
    default: 5
  max_concurrency:
    description:
      - How many requests one task sends at a time, for writes and for the pages of long lists.
      - Falls back to the environment variable E(THINGSPACE_MAX_CONCURRENCY).
    type: int
    default: 4
  rate_limit:
    description:
      - Requests per second that all forks and jobs that share a O(runtime_dir), or a database as O(journal), may send
        together.
      - V(0) sets no limit. In both cases, the rate is lowered when ThingSpace answers with HTTP 429.
      - Falls back to the environment variable E(THINGSPACE_RATE_LIMIT).
    type: float
    default: 0
  runtime_dir:
    description:
      - Private directory (created with mode 0700) for the state that the forks and jobs of one user share on the
        machine that runs the module. The state is the session, so that a job logs in once, the refused logins, and the
        request rate.
      - The default is C(thingspace-licensing) in the user's runtime directory (E(XDG_RUNTIME_DIR)), or
        C(thingspace-licensing-<uid>) in the temporary directory.
      - With an empty string, nothing is shared.
      - Falls back to the environment variable E(THINGSPACE_RUNTIME_DIR).
    type: path
  journal:
    description:
      - The journal, an SQLite file on a local disk or the address of a PostgreSQL database.
      - If it is a database, everyone with this database shares the refused logins and the request rate, on any machine.
        The session stays in O(runtime_dir), unless O(share_tokens=true).
      - A module that neither records nor reads anything in a journal makes no use of a file. But one that changes FOTA
        licenses takes the account's lock beside it, and refuses a file that was moved.
      - Falls back to the environment variable E(THINGSPACE_JOURNAL). There, a path must be absolute.
    type: str
    version_added: 0.6.0
  share_tokens:
    description:
      - Whether the session is shared through the database of O(journal), so that all machines log in once together.
      - The database then holds tokens, as the O(runtime_dir) does otherwise. Whoever can read its table
        C(shared_state) can use ThingSpace with them until they expire, for an hour at most.
      - Falls back to the environment variable E(THINGSPACE_SHARE_TOKENS).
    type: bool
    default: false
    version_added: 0.6.0
requirements:
  - requests >= 2.28
notes:
  - A module runs where the task runs, usually on C(localhost). An inventory plugin runs where Ansible runs. That
    machine needs the Python library requests.
  - Proxies come from the usual environment variables (E(HTTPS_PROXY), E(NO_PROXY)). C(~/.netrc) is never used.
seealso:
  - name: Error codes
    description: Every value of RV(ignore:failure.code) with its meaning.
    link: https://github.com/thingspace-licensing/thingspace.licensing/blob/main/docs/errors.md
"""

    PLUGIN = r"""
options:
  base_url:
    env:
      - name: THINGSPACE_BASE_URL
  client_id:
    env:
      - name: THINGSPACE_CLIENT_ID
  client_secret:
    env:
      - name: THINGSPACE_CLIENT_SECRET
  username:
    env:
      - name: THINGSPACE_USERNAME
  password:
    env:
      - name: THINGSPACE_PASSWORD
  access_token:
    env:
      - name: THINGSPACE_ACCESS_TOKEN
  session_token:
    env:
      - name: THINGSPACE_SESSION_TOKEN
  validate_certs:
    env:
      - name: THINGSPACE_VALIDATE_CERTS
  ca_path:
    env:
      - name: THINGSPACE_CA_PATH
  timeout:
    env:
      - name: THINGSPACE_TIMEOUT
  deadline:
    env:
      - name: THINGSPACE_DEADLINE
  retries:
    env:
      - name: THINGSPACE_RETRIES
  max_concurrency:
    env:
      - name: THINGSPACE_MAX_CONCURRENCY
  rate_limit:
    env:
      - name: THINGSPACE_RATE_LIMIT
  runtime_dir:
    env:
      - name: THINGSPACE_RUNTIME_DIR
  journal:
    env:
      - name: THINGSPACE_JOURNAL
  share_tokens:
    env:
      - name: THINGSPACE_SHARE_TOKENS
"""
