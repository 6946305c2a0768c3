# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Receive ThingSpace's CarrierService callbacks and write them to the journal of thingspace.licensing.

Run it as a separate service: python3 thingspace_receiver.py --journal PATH. It needs Python 3.10 or newer and
aiohttp. Credentials come from the environment, see README.md in this directory.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import ipaddress
import json
import os
import signal
import sys
import typing as t

BAD_START = 2
COLLECTION = ("ansible_collections", "thingspace", "licensing")


class BadStart(Exception):
    """The receiver cannot be started; the message is the line to print."""


class _Parser(argparse.ArgumentParser):
    """A parser that reports an error in one line."""

    def error(self, message: str) -> t.NoReturn:
        raise BadStart(f"{message}. See --help.")


def main(arguments: list[str] | None = None) -> int:
    """Start, and serve until a signal ends it."""
    try:
        return _run(_parser().parse_args(arguments))
    except BadStart as error:
        sys.stderr.write(f"thingspace_receiver: {' '.join(str(error).split())}\n")
        return BAD_START


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="thingspace_receiver.py",
        description="Receives ThingSpace's CarrierService callbacks and writes them to the journal.",
        epilog="Credentials: THINGSPACE_CALLBACK_USERNAME and THINGSPACE_CALLBACK_PASSWORD in the environment, or the "
        "names of files that hold them in ..._USERNAME_FILE and ..._PASSWORD_FILE; during a rotation also the former "
        "ones, with _PREVIOUS. There is no option for them: every user of the machine can read a command line.",
    )
    add = parser.add_argument
    add("--journal", help="the file or database that simsec_license writes to as well (default: THINGSPACE_JOURNAL)")
    add("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    add("--port", type=int, default=9001, help="port; 0 takes any free one (default %(default)s)")
    add("--path", default="/callback", help="path of the registered URL (default %(default)s)")
    add("--tls-cert", help="certificate chain, PEM; with it the receiver speaks HTTPS")
    add("--tls-key", help="its private key, if not in the same file")
    add("--allow-anonymous", action="store_true", help="start without credentials: anyone can report results")
    add("--ready-file", help="written with pid, port and url as JSON once listening")
    add("--max-seconds", type=float, default=0.0, help="end after that time (default 0: never)")
    return parser


def _run(options: argparse.Namespace) -> int:
    parts = _load("_errors", "_receiver.credentials", "_receiver.listener", "_text.addresses")
    if parts["_text.addresses"].passwords_in(options.journal):
        raise BadStart("Every user of the machine can read a command line: set THINGSPACE_JOURNAL instead of --journal")
    try:
        asyncio.run(_serve(options, parts))
    except parts["_errors"].LicensingError as error:
        raise BadStart(_in_own_words(error.message)) from None
    _tell("ended")
    return 0


async def _serve(options: argparse.Namespace, parts: dict[str, t.Any]) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    # The start may wait for the journal, and must not keep a signal waiting.
    serving, ending = asyncio.create_task(_listen(options, parts)), asyncio.create_task(ended.wait())
    most = options.max_seconds if options.max_seconds > 0 else None
    await asyncio.wait({serving, ending}, timeout=most, return_when=asyncio.FIRST_COMPLETED)
    for task in (serving, ending):
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await serving


async def _listen(options: argparse.Namespace, parts: dict[str, t.Any]) -> None:
    """Serve until canceled."""
    settings = _settings(options, parts)
    async with parts["_receiver.listener"].receiving(settings, log=_Log(sys.stdout)) as server:
        _tell(f"listening on {server.url}")
        _warn(options)
        try:
            _write_ready(options.ready_file, server)
            await asyncio.Event().wait()
        finally:
            _remove_ready(options.ready_file)


def _load(*names: str) -> dict[str, t.Any]:
    """Import from the collection that contains this file."""
    # Links are not followed, because the collection itself may be a link to a checkout.
    collection = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    root = collection
    for part in reversed(COLLECTION):
        root, name = os.path.split(root)
        if name != part:
            raise BadStart(
                f"This file must be run from where the collection is installed: {os.path.join('...', *COLLECTION)}/"
                f"extensions/receiver/, not from {collection}. Install it with 'ansible-galaxy collection install "
                "thingspace.licensing -p DIRECTORY', or name it by its path below ansible_collections"
            )
    sys.path.insert(0, root)
    try:
        prefix = ".".join((*COLLECTION, "plugins", "module_utils", ""))
        return {name: importlib.import_module(prefix + name) for name in names}
    except ImportError as error:
        raise BadStart(f"The collection at {collection} is not complete: {error}. Install it again") from None


def _settings(options: argparse.Namespace, parts: dict[str, t.Any]) -> t.Any:
    journal = options.journal or os.environ.get("THINGSPACE_JOURNAL", "")
    if not journal:
        raise BadStart("The journal is missing: give --journal, or set THINGSPACE_JOURNAL")
    return parts["_receiver.listener"].ReceiverSettings(
        journal=journal,
        pairs=parts["_receiver.credentials"].credentials(allow_anonymous=options.allow_anonymous),
        host=options.host,
        port=options.port,
        path=options.path,
        certfile=options.tls_cert,
        keyfile=options.tls_key,
    )


class _Log:
    """Writes one line for each message. A closed pipe or a full disk does not stop callbacks."""

    def __init__(self, stream: t.TextIO) -> None:
        self._stream = stream
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")

    def __call__(self, line: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(_in_own_words(line) + "\n")
            self._stream.flush()


def _in_own_words(text: str) -> str:
    """A text of the collection, with the options of this program. It sends nothing to ThingSpace, but records."""
    return text.replace("'journal'", "--journal").replace("Nothing was sent.", "Nothing was recorded.")


def _tell(text: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"thingspace_receiver: {text}\n")
        sys.stderr.flush()


def _warn(options: argparse.Namespace) -> None:
    try:
        outside = not ipaddress.ip_address(options.host).is_loopback
    except ValueError:
        outside = options.host != "localhost"
    if outside and not options.tls_cert:
        _tell("warning: without --tls-cert, callbacks and their passwords travel unencrypted up to here")
    if options.allow_anonymous:
        _tell("warning: --allow-anonymous lets anyone report results unless credentials are set")


def _write_ready(path: str | None, server: t.Any) -> None:
    """Write the file in one step, so that a reader never sees a partial file."""
    if not path:
        return
    draft = f"{path}.{os.getpid()}"
    try:
        with open(draft, "w", encoding="utf-8") as stream:
            json.dump({"pid": os.getpid(), "port": server.port, "url": server.url}, stream)
        os.replace(draft, path)
    except OSError as error:
        raise BadStart(f"The ready file {path} cannot be written: {error.strerror}") from None


def _remove_ready(path: str | None) -> None:
    if path:
        with contextlib.suppress(OSError):
            os.unlink(path)


if __name__ == "__main__":
    sys.exit(main())
