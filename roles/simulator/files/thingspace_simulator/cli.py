# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line: reads the options, starts the simulator, and waits for its end."""

from __future__ import annotations

import argparse
import ipaddress
import json
import signal
import ssl
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

from . import NAME, quirks
from .fields import Choice, Invalid, read
from .http.server import Server
from .lifetime import ReadyFile, detach, watch_parent
from .service import Service
from .world import state

BAD_START = 2


class BadOption(Exception):
    """An option that cannot be used. The message is the one line to print."""


class _Parser(argparse.ArgumentParser):
    """A parser that reports a problem in one line."""

    def error(self, message: str) -> NoReturn:
        raise BadOption(message)


def _path(text: str) -> Path:
    """Return a path; ~ is the home directory."""
    return Path(text).expanduser()


def _parser() -> argparse.ArgumentParser:
    """Describe the options."""
    first = state.FIRST_IMEI
    parser = _Parser(
        prog="thingspace_simulator",
        description=f"A stateful stand-in for the ThingSpace API. The account is {state.ACCOUNT};"
        f" its devices are the IMEIs {first}, {first + 1}, ...; each credential is the word 'not-secret'.",
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="loopback address to listen on (default %(default)s)")
    add("--port", type=int, default=0, help="port; 0 selects a free port (default)")
    add("--devices", type=int, default=100, help="number of devices (default %(default)s)")
    add("--licensed", type=int, default=0, help="number of devices with a FOTA license, from the first")
    add("--licenses", type=int, help="licenses bought (default: one per device)")
    add("--sku-licenses", type=int, help="licenses bought of each SIM-Secure SKU (default: one per device)")
    add("--seed-file", type=_path, help="state to start from: JSON, as for PUT /_simulator/state")
    add("--latency", help="seconds added to each API request")
    add("--quirk", action="append", default=[], metavar="NAME=VALUE", help=_quirk_help())
    add("--ready-file", type=_path, help="file to write pid, port, and base_url to, as JSON, once it listens")
    add("--parent-pid", type=int, help="end when this process is gone")
    add("--detach", action="store_true", help="return once it listens, and continue in the background")
    add("--max-seconds", type=float, default=0.0, help="end after this time (default 0: never)")
    add("--tls-cert", type=_path, help="certificate; with it, the simulator uses HTTPS")
    add("--tls-key", type=_path, help="its private key, if not in the same file")
    return parser


def _quirk_help() -> str:
    """List the switches."""
    words = []
    for name, kind in quirks.KNOWN.items():
        words.append(f"{name}={'|'.join(kind.words)}" if isinstance(kind, Choice) else f"{name}={kind.default}")
    return f"set a switch; repeatable; the first value is the default: {', '.join(words)}"


def _seed(options: argparse.Namespace) -> Any:
    """Return the state to start from, with the switches of the command line. The service checks it."""
    if not 0 <= options.licensed <= options.devices:
        raise BadOption("--devices and --licensed must not be negative, and --licensed not above --devices")
    total = options.devices if options.licenses is None else options.licenses
    given: Any = state.default_seed(options.devices, options.licensed, total, options.sku_licenses)
    if options.seed_file is not None:
        try:
            found = json.loads(options.seed_file.read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            raise BadOption(f"--seed-file {options.seed_file}: {error}") from error
        given = {**given, **found} if isinstance(found, dict) else found
    switches = dict(_pair(text) for text in options.quirk)
    if options.latency is not None:
        switches["latency"] = options.latency
    checked = read("quirks", switches, quirks.KINDS)
    if isinstance(given, dict) and isinstance(given.get("quirks", {}), dict):
        given["quirks"] = {**given.get("quirks", {}), **checked}
    return given


def _pair(text: str) -> tuple[str, str]:
    """Split NAME=VALUE."""
    name, equals, value = text.partition("=")
    if not equals:
        raise BadOption(f"--quirk {text}: must be NAME=VALUE")
    return name, value


def _host(text: str) -> str:
    """Return the address to listen on. Only this machine may call."""
    try:
        address = ipaddress.ip_address("127.0.0.1" if text == "localhost" else text)
    except ValueError as error:
        raise BadOption(f"--host {text}: must be a loopback address") from error
    if not address.is_loopback:
        raise BadOption(f"--host {text}: must be a loopback address")
    return str(address)


def _tls(options: argparse.Namespace) -> ssl.SSLContext | None:
    """Return the TLS context of the server, if there is a certificate."""
    if options.tls_cert is None:
        if options.tls_key is not None:
            raise BadOption("--tls-key needs --tls-cert")
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(options.tls_cert, options.tls_key)
    except OSError as error:
        raise BadOption(f"--tls-cert {options.tls_cert}: {error}") from error
    return context


def _listen(options: argparse.Namespace) -> tuple[Service, Server]:
    """Build the service and bind the port."""
    if not 0 <= options.port <= 65535:
        raise BadOption(f"--port {options.port}: must be from 0 to 65535")
    host, tls, seed = _host(options.host), _tls(options), _seed(options)
    try:
        service = Service(seed)
    except Invalid as error:
        raise BadOption(f"bad state to start from: {error}") from error
    try:
        return service, Server(host, options.port, service, tls)
    except OSError as error:
        raise BadOption(f"cannot listen on {host} port {options.port}: {error.strerror or error}") from error


def main(arguments: list[str] | None = None) -> int:
    """Run until stopped. Return the exit code."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        options = _parser().parse_args(arguments)
        service, server = _listen(options)
        announce = detach() if options.detach else None
        base_url = f"{server.root_url}/api"
        ready = ReadyFile(options.ready_file, server.server_port, base_url)
    except (BadOption, Invalid) as error:
        print(f"thingspace_simulator: error: {error}", file=sys.stderr)
        return BAD_START
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    if options.parent_pid is not None:
        watch_parent(options.parent_pid, stop)
    try:
        ready.write()
        accounts = service.simulation.world.accounts.values()
        names = ", ".join(f"account {one.name}, {len(one.devices)} devices" for one in accounts)
        print(f"{NAME}: {base_url} ({names})", flush=True)
        if announce is not None:
            announce()
        stop.wait(options.max_seconds or None)
    except OSError as error:
        print(f"thingspace_simulator: error: {error}", file=sys.stderr)
        return BAD_START
    finally:
        service.stopping.set()
        server.shutdown()
        server.server_close()
        ready.remove()
    return 0
