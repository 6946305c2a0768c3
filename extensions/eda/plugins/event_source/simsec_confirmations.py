# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Event source: one event for each SIM-Secure confirmation that ThingSpace sends. See DOCUMENTATION."""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import sys
import typing as t

DOCUMENTATION = r"""
---
module: simsec_confirmations
short_description: Receive SIM-Secure confirmations from ThingSpace
description:
  - An ansible-rulebook event source that receives the CarrierService callbacks of ThingSpace, writes them to the
    journal of the module thingspace.licensing.simsec_license, and then creates an event from each.
  - ThingSpace gets a success status only after the confirmation is in the journal. The journal is the record, and
    events are only notices. Events that are waiting when the rulebook ends are not repeated.
  - It is the same receiver as extensions/receiver. Run only one of the two for a URL.
  - An event is a dictionary C(simsec) with C(account), C(sku), C(action) (assign or remove), C(device_id), C(kind)
    (imei or iccid), C(request_id), C(status) (success, failed, or other), C(reason), and C(outcome).
  - The C(outcome) is recorded, or unmatched if the journal does not know the request. Then C(account), C(sku), and
    C(action) are null. A repeated callback creates no event.
options:
  journal:
    description:
      - The journal's file, or the address of its database, such as C(postgresql://USER@HOST/DATABASE).
      - Falls back to the environment variable THINGSPACE_JOURNAL.
    type: str
    required: true
  host:
    description: Address to listen on.
    type: str
    default: 127.0.0.1
  port:
    description: Port to listen on. ThingSpace sends to 80, 443, 9001-9006, 50551-50559 and 28200-28220.
    type: int
    default: 9001
  path:
    description: Path of the registered URL.
    type: str
    default: /callback
  username:
    description:
      - The registered callback_username.
      - Falls back to the environment variable THINGSPACE_CALLBACK_USERNAME, or to the file in
        THINGSPACE_CALLBACK_USERNAME_FILE.
    type: str
  password:
    description:
      - The registered callback_password.
      - Falls back to the environment variable THINGSPACE_CALLBACK_PASSWORD, or to the file in
        THINGSPACE_CALLBACK_PASSWORD_FILE.
    type: str
  previous_username:
    description:
      - Also accepted, during a change of the credentials.
      - Falls back to THINGSPACE_CALLBACK_USERNAME_PREVIOUS.
    type: str
  previous_password:
    description:
      - Also accepted, during a change of the credentials.
      - Falls back to THINGSPACE_CALLBACK_PASSWORD_PREVIOUS.
    type: str
  allow_anonymous:
    description: Start without credentials. Then anyone who can reach the port can report results.
    type: bool
    default: false
  certfile:
    description: Certificate chain, PEM. With this, the source uses HTTPS.
    type: str
  keyfile:
    description: The certificate's private key, if it is not in the same file.
    type: str
"""

EXAMPLES = r"""
- thingspace.licensing.simsec_confirmations:
    journal: /var/lib/thingspace/journal.db
    host: 0.0.0.0
    port: 9001
    certfile: /etc/thingspace/fullchain.pem
    keyfile: /etc/thingspace/privkey.pem

# Everything from the environment
- thingspace.licensing.simsec_confirmations:
"""

COLLECTION = ("ansible_collections", "thingspace", "licensing")
OPTIONS = {
    "journal",
    "host",
    "port",
    "path",
    "username",
    "password",
    "previous_username",
    "previous_password",
    "allow_anonymous",
    "certfile",
    "keyfile",
    "eda_feedback_queue",  # ansible-rulebook hands it to every source
}

logger = logging.getLogger("thingspace.licensing.simsec_confirmations")


async def main(queue: asyncio.Queue[t.Any], args: dict[str, t.Any] | None) -> None:
    """Receive until canceled."""
    settings, parts = _settings(args or {})
    # ansible-rulebook's queue has room for one event. Callers must not wait until a rule has finished.
    events: asyncio.Queue[dict[str, t.Any]] = asyncio.Queue()

    def on_recorded(confirmation: t.Any, recorded: t.Any) -> None:
        events.put_nowait(_event(confirmation, recorded, settings.path))

    async with parts.receiving(settings, log=logger.info, on_recorded=on_recorded) as server:
        logger.info("listening on %s", server.url)
        while True:
            await queue.put(await events.get())


def _settings(args: dict[str, t.Any]) -> tuple[t.Any, t.Any]:
    """What to listen on, and the module that listens."""
    unknown = sorted(set(args) - OPTIONS)
    if unknown:
        raise ValueError(f"simsec_confirmations has no option {', '.join(unknown)}")
    parts = _load("_receiver.listener")
    secrets = _load("_receiver.credentials")
    given = {
        secrets.USERNAME: _text(args, "username"),
        secrets.PASSWORD: _text(args, "password"),
        f"{secrets.USERNAME}_PREVIOUS": _text(args, "previous_username"),
        f"{secrets.PASSWORD}_PREVIOUS": _text(args, "previous_password"),
    }
    anonymous = str(args.get("allow_anonymous", False)).lower() in ("true", "yes", "1", "on")
    journal = _text(args, "journal") or os.environ.get("THINGSPACE_JOURNAL", "")
    if not journal:
        raise ValueError("simsec_confirmations needs 'journal', or THINGSPACE_JOURNAL in the environment")
    try:
        port = int(_text(args, "port") or parts.PORT)
    except ValueError:
        raise ValueError("simsec_confirmations: 'port' is not a number") from None
    settings = parts.ReceiverSettings(
        journal=journal,
        pairs=secrets.credentials(given, allow_anonymous=anonymous),
        host=_text(args, "host") or parts.HOST,
        port=port,
        path=_text(args, "path") or parts.PATH,
        certfile=_text(args, "certfile") or None,
        keyfile=_text(args, "keyfile") or None,
    )
    return settings, parts


def _event(confirmation: t.Any, recorded: t.Any, path: str) -> dict[str, t.Any]:
    kind, device_id = confirmation.devices[0]
    simsec = {
        "account": recorded.account,
        "sku": recorded.sku,
        "action": recorded.action,
        "device_id": recorded.device_id or device_id,
        "kind": recorded.kind or kind,
        "request_id": confirmation.request_id,
        "status": confirmation.status,
        "reason": confirmation.reason,
        "outcome": recorded.outcome,
    }
    return {"simsec": simsec, "meta": {"endpoint": path.lstrip("/")}}


def _text(args: dict[str, t.Any], name: str) -> str:
    value = args.get(name)
    return "" if value is None else str(value)


def _load(name: str) -> t.Any:
    """Import from the collection that contains this file. ansible-rulebook does not make it importable."""
    full = ".".join((*COLLECTION, "plugins", "module_utils", name))
    try:
        return importlib.import_module(full)
    except ModuleNotFoundError:
        # Links are not followed, because the collection itself may be a link to a checkout.
        root = collection = os.path.abspath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 4))
        for part in reversed(COLLECTION):
            root, found = os.path.split(root)
            if found != part:
                raise ImportError(
                    f"The event source must lie in a tree of collections: .../{'/'.join(COLLECTION)}, not {collection}"
                ) from None
        sys.path.insert(0, root)
        importlib.invalidate_caches()
        return importlib.import_module(full)
