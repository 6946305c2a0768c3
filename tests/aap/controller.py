# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""As much of AWX's API as the modules of awx.awx ask for: objects that are stored as they are sent.

What AWX does not do is not done here either: it never shows a secret input, keeps one that comes back as it was shown,
refuses to change the inputs of a credential type in use, and fails the pending approvals of a deleted node.
"""

from __future__ import annotations

import http.server
import json
import threading
import typing as t
import urllib.parse

Json = dict[str, t.Any]

ROOT = "/api/v2/"
TYPES = {"inventories": "inventory"}
UNIFIED = ("job_templates", "projects", "inventory_sources", "workflow_job_templates")
ROLES = {
    "job_templates": ("admin_role", "execute_role", "read_role"),
    "workflow_job_templates": ("admin_role", "execute_role", "read_role", "approval_role"),
}
SHOWN = "$encrypted$"
CHILDREN = (
    "credentials",
    "hosts",
    "children",
    "teams",
    "labels",
    "instance_groups",
    "success_nodes",
    "failure_nodes",
    "always_nodes",
    "notification_templates_started",
    "notification_templates_success",
    "notification_templates_error",
    "notification_templates_approvals",
)


class Controller:
    """A stub on a port of its own.

    :ivar objects: by kind, as they were sent.
    :ivar links: the ids under each association, by its path.
    :ivar writes: every request that is no GET.
    :ivar failed_approvals: the nodes whose pending approvals failed.
    """

    def __init__(self) -> None:
        self.objects: dict[str, list[Json]] = {"organizations": []}
        self.links: dict[str, list[int]] = {}
        self.surveys: dict[str, Json] = {}
        self.writes: list[tuple[str, str, Json]] = []
        self.failed_approvals: list[str] = []
        self._lock = threading.Lock()
        self.create("organizations", {"name": "Default"})
        stub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            """Hands requests to the stub."""

            def handle_any(self) -> None:
                """Any method."""
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length) or b"{}") if length else {}
                status, answer = stub.answer(self.command, self.path, body)
                content = b"" if answer is None else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.send_header("X-API-Product-Name", "AWX")
                self.send_header("X-API-Product-Version", "24.6.1")
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PATCH = do_DELETE = handle_any

            def log_message(self, *_args: object) -> None:
                """Be quiet."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Free the port."""
        self._server.shutdown()
        self._server.server_close()

    def named(self, kind: str, name: str) -> Json:
        """The object of this name."""
        return next(one for one in self.objects[kind] if one.get("name", one.get("identifier")) == name)

    def linked(self, kind: str, name: str, association: str) -> list[int]:
        """The ids that are linked to an object."""
        return self.links.get(f"{kind}/{self.named(kind, name)['id']}/{association}", [])

    def create(self, kind: str, body: Json) -> Json:
        """Store an object."""
        number = sum(map(len, self.objects.values())) + 1
        url = f"{ROOT}{kind}/{number}/"
        related = {"survey_spec": f"{url}survey_spec/"}
        made = {**body, "id": number, "url": url, "type": TYPES.get(kind, kind[:-1]), "related": related}
        roles = {role: {"id": f"{kind}-{number}-{role}"} for role in ROLES.get(kind, ())}
        made.update(summary_fields={"object_roles": roles}, scm_revision="")
        self.objects.setdefault(kind, []).append(made)
        return made

    def holders(self, kind: str, name: str, role: str) -> list[str]:
        """The teams that hold a role of an object."""
        number = self.named(kind, name)["id"]
        ids = self.links.get(f"roles/{kind}-{number}-{role}/teams", [])
        return [team["name"] for team in self.objects["teams"] if team["id"] in ids]

    def answer(self, method: str, target: str, body: Json) -> tuple[int, t.Any]:
        """The status and the content that answer a request."""
        parts = urllib.parse.urlsplit(target)
        query = dict(urllib.parse.parse_qsl(parts.query))
        words = [urllib.parse.unquote(word) for word in parts.path.removeprefix(ROOT).strip("/").split("/")]
        with self._lock:
            if method != "GET":
                self.writes.append((method, "/".join(words), body))
            if len(words) == 1:
                return self._collection(method, words[0], query, body)
            if len(words) == 3:
                return self._below(method, words, body)
            return self._one(method, words[0], int(words[1]), body)

    def _shown(self, one: Json) -> Json:
        """An object as AWX shows it."""
        if one["type"] != "credential":
            return one
        secret = self._secret_inputs(one["credential_type"])
        inputs = {name: SHOWN if value and name in secret else value for name, value in one["inputs"].items()}
        return {**one, "inputs": inputs}

    def _secret_inputs(self, number: int) -> set[str]:
        (kind,) = [kind for kind in self.objects["credential_types"] if kind["id"] == number]
        return {field["id"] for field in kind["inputs"]["fields"] if field.get("secret")}

    def _collection(self, method: str, kind: str, query: t.Mapping[str, str], body: Json) -> tuple[int, t.Any]:
        if method == "POST":
            return 201, self._shown(self.create(kind, body))
        kinds = UNIFIED if kind == "unified_job_templates" else (kind,)
        found = [one for each in kinds for one in self.objects.get(each, []) if _fits(one, query)]
        return 200, _page([self._shown(one) for one in found])

    def _one(self, method: str, kind: str, number: int, body: Json) -> tuple[int, t.Any]:
        one = next((one for one in self.objects.get(kind, []) if one["id"] == number), None)
        if one is None:
            return 404, {"detail": "Not found."}
        if method == "PATCH":
            return self._changed(kind, one, body)
        if method == "DELETE":
            self.objects[kind].remove(one)
            self.links = {path: ids for path, ids in self.links.items() if not path.startswith(f"{kind}/{number}/")}
            if kind == "workflow_job_template_nodes":
                self.failed_approvals.append(one["identifier"])
            return 204, None
        return 200, self._shown(one)

    def _in_use(self, kind: Json) -> bool:
        return any(one["credential_type"] == kind["id"] for one in self.objects.get("credentials", []))

    def _changed(self, kind: str, one: Json, body: Json) -> tuple[int, t.Any]:
        if kind == "credential_types" and body.get("inputs", one["inputs"]) != one["inputs"] and self._in_use(one):
            return 403, {"detail": "Modifications to inputs are not allowed for credential types that are in use"}
        if kind == "credentials" and "inputs" in body:
            kept = one["inputs"]
            inputs = {name: kept.get(name) if value == SHOWN else value for name, value in body["inputs"].items()}
            body = {**body, "inputs": inputs}
        one.update(body)
        return 200, self._shown(one)

    def _below(self, method: str, words: list[str], body: Json) -> tuple[int, t.Any]:
        path = "/".join(words)
        if words[2] == "survey_spec":
            if method == "POST":
                self.surveys[path] = body
                return 200, {}
            return 200, self.surveys.get(path, {})
        if words[2] == "create_approval_template":
            made = self.create("workflow_approval_templates", body)
            node = next(one for one in self.objects[words[0]] if one["id"] == int(words[1]))
            node["related"]["unified_job_template"] = made["url"]
            return 201, made
        if words[2] not in CHILDREN:
            return 404, {"detail": "Not found."}
        ids = self.links.setdefault(path, [])
        if method == "POST":
            if body.get("disassociate"):
                ids.remove(body["id"])
            else:
                ids.append(body["id"])
            return 204, None
        return 200, _page([{"id": number} for number in ids])


def _page(found: list[Json]) -> Json:
    return {"count": len(found), "next": None, "previous": None, "results": found}


def _fits(one: Json, query: t.Mapping[str, str]) -> bool:
    either = [str(one.get(key[4:])) == value for key, value in query.items() if key.startswith("or__")]
    plain = {key: value for key, value in query.items() if not key.startswith("or__")}
    same = all(
        str(one.get(key)) == value for key, value in plain.items() if key in one or key in ("name", "identifier")
    )
    return same and (not either or any(either))
