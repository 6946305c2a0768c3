# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The shell of every module: the only place that builds, exits or fails an C(AnsibleModule)."""

from __future__ import annotations

import copy
import dataclasses
import gc
import os
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.common.parameters import remove_values

from ._account import account_problems, account_warnings
from ._client.client import Client
from ._client.connection import CONNECTION_SPEC, connection_from
from ._client.requests_dep import REQUESTS_IMPORT_ERROR
from ._client.runtime_dir import MemoryStore, Store, open_store
from ._client.secrets import SecretRegister
from ._client.sender import RequestCount
from ._client.stop import Stop, Told
from ._errors import LicensingError, OptionsError, Problem, defect
from ._options import written_over
from ._progress import Progress, ProgressFile
from ._text.addresses import as_place, is_database, passwords_in, why_refused, why_refused_from_environment
from ._text.bounds import bound_result, shorten
from ._text.lists import many
from ._text.visible import BLOCK, visible, visible_all

if t.TYPE_CHECKING:
    from ._journal.shared_state import SeenState, SharedState


@dataclasses.dataclass
class Result:
    """What a module returns.

    :param values: fields of the result besides C(changed), C(requests) and C(failure).
    :param failure: makes the task fail; the values are still returned.
    """

    values: dict[str, t.Any]
    changed: bool = False
    failure: LicensingError | None = None


class LicensingModule(AnsibleModule):
    """An AnsibleModule with a stable code for its own option errors and without hidden text in its output."""

    def __init__(self, *arguments: t.Any, **kwargs: t.Any) -> None:
        """Read the options, and complete the paths of journals. What cannot be one fails here, in every module."""
        super().__init__(*arguments, **kwargs)
        for name, value in self.params.items():
            if name.endswith(_JOURNAL) and isinstance(value, str):
                self.params[name] = as_place(value)
                from_environment = value == os.environ.get("THINGSPACE_JOURNAL")
                why = why_refused_from_environment(value) if from_environment else why_refused(value)
                if why:
                    text = f"{why} Nothing was sent."
                    self.fail_json(text, failure={"code": "journal_unusable", "message": text})

    def _load_params(self) -> None:
        """Mask the passwords in the addresses of journals before any option can fail, because all are shown then.

        Their options cannot be C(no_log), because a path shall stay readable.
        """
        super()._load_params()
        self.no_log_values.update(_journal_passwords(self.params))
        self.no_log_values.update(passwords_in(os.environ.get("THINGSPACE_JOURNAL")))

    def exit_json(self, **kwargs: t.Any) -> t.NoReturn:
        """Exit with a result in which every text is visible."""
        super().exit_json(**self._visible(kwargs))
        raise SystemExit(0)

    def warn(self, warning: str, **kwargs: t.Any) -> None:
        """Warn with a visible text."""
        super().warn(visible(warning, BLOCK), **kwargs)

    def _visible(self, values: dict[str, t.Any]) -> dict[str, t.Any]:
        """The values with visible texts and without secrets."""
        shown = visible_all(values)
        if shown is not values:
            shown = visible_all(remove_values(values, self.no_log_values))
        if visible_all(self.params) is not self.params:
            # After its characters are spelled out, a secret would no longer be found.
            params = visible_all(remove_values(self.params, self.no_log_values))
            return {"invocation": {"module_args": params}, **shown}
        return t.cast("dict[str, t.Any]", shown)

    def fail_json(self, msg: str, **kwargs: t.Any) -> t.NoReturn:
        """Fail with C(failure)."""
        kwargs.setdefault("failure", {"code": "invalid_options", "message": msg})
        shorten(self.params)
        super().fail_json(visible(msg, BLOCK), **self._visible(kwargs))
        raise SystemExit(1)


_JOURNAL = "journal"
"""How the name of an option or a variable ends that names a journal."""


def _journal_passwords(values: t.Mapping[str, t.Any]) -> set[str]:
    found: set[str] = set()
    for name, value in values.items():
        if isinstance(value, dict):
            found |= _journal_passwords(value)
        elif isinstance(value, str) and str(name).endswith(_JOURNAL):
            found |= passwords_in(value)
    return found


class Context:
    """The services for the flow of a module."""

    def __init__(self, module: AnsibleModule) -> None:
        self._module = module
        self._clients: list[Client] = []  # of the whole process
        self._own: list[Client] = []  # at most one, shared with the parts
        self._shared: list[SharedState | SeenState] = []  # at most one, of the whole process
        path = module.params.get("progress_file")
        # It is created at once.
        self._progress_file = ProgressFile(path) if path and not written_over(module.params) else None
        # Facts read from ThingSpace, shared with the parts, so that each is read once.
        self.learned: dict[t.Any, t.Any] = {}
        self.params: dict[str, t.Any] = module.params
        self.check_mode: bool = module.check_mode
        self.diff_mode: bool = bool(module._diff)  # pylint: disable=protected-access
        self.secrets = SecretRegister(module.no_log_values.add)
        self.stop = Stop()
        # How a message speaks of options. A task that carries out other modules names its own.
        self.say: t.Callable[[str], str] = str

    @property
    def writes(self) -> int:
        """How many writes may have been executed so far."""
        return sum(client.writes for client in self._clients)

    def warn(self, text: str) -> None:
        """Show a warning to the user."""
        self._module.warn(self.say(text))

    @property
    def told(self) -> Told:
        """Tells the journal whether the task must end. From now on, signals are only noted if there is a journal."""
        if self.params.get("journal"):
            self.stop.install()
        return lambda: self.stop.told

    def patience(self, seconds: float) -> float:
        """Maximum seconds to wait for another task. They do not exceed this task's deadline."""
        return min(seconds, float(self.params["deadline"]))

    def part(self, params: dict[str, t.Any]) -> Context:
        """The context of one of several flows in the same task, in check mode.

        :param params: its own options in addition to the task's; not connection options, which all parts share.
        """
        part = copy.copy(self)
        part.check_mode = True
        part.params = {**self.params, **params}
        return part

    def step(self, params: dict[str, t.Any]) -> Context:
        """The context of one of several flows that write, one after another, as if each were a task.

        It has a deadline and connections of its own, and reads again what another step may have changed. If the task
        must end, it sends nothing, even while an earlier step was allowed to finish its work.

        :param params: as for C(part).
        """
        self.stop.begin_step()
        step = copy.copy(self)
        step.params = {**self.params, **params}
        step.learned = {}
        step._own = []  # pylint: disable=protected-access
        return step

    def connect(self, problems: list[Problem], *, reveal_tokens: bool = False) -> Client:
        """Check the connection options and the account, and create the client. This sends nothing.

        :param problems: problems with the module's other options, which are reported together with these.
        :param reveal_tokens: do not mask the tokens, because the task returns them.
        :raises OptionsError: with every problem.
        """
        connection, found = connection_from(self.params)
        problems = [*problems, *written_over(self.params), *found]
        if "account" in self.params:
            problems += account_problems(self.params["account"])
        store: Store = MemoryStore()
        try:
            store = open_store(connection.runtime_dir, None if self.params.get("runtime_dir") else self.warn)
        except LicensingError as error:
            problems.append(Problem(error.message, error.code))
        warnings = account_warnings(self.params.get("account"))
        shared = self._open_shared(connection.journal, problems, warnings.append)
        if problems:
            raise OptionsError(problems)
        for text in warnings:
            self.warn(text)
        if not self._own:
            progress = Progress(self._progress_file)
            hide = not reveal_tokens
            client = Client(
                connection, store, self.secrets, shared=shared, hide_tokens=hide, progress=progress, stop=self.stop
            )
            self._own.append(client)
            self._clients.append(client)
            # Before this, a signal may end the process as usual, because nothing was sent.
            self.stop.install()
        return self._own[0]

    def _open_shared(self, journal: str | None, problems: list[Problem], warn: t.Callable[[str], None]) -> Store | None:
        """What all nodes share, if the journal is a database. Why it cannot be used is added to the problems."""
        if not journal or any(problem.code.startswith("journal_") for problem in problems):
            return None
        if not is_database(journal):
            _require_directory(journal, problems)
            return None
        if not self._shared:
            # A module compiles what it imports, each time. Most jobs have no database.
            from ._journal.shared_state import PATIENCE, share  # pylint: disable=import-outside-toplevel

            try:
                self._shared.append(share(journal, warn, told=self.told, patience=self.patience(PATIENCE)))
            except LicensingError as error:
                problems.append(Problem(error.message, error.code))
                return None
        return self._shared[0]

    def finish(self, result: dict[str, t.Any]) -> dict[str, t.Any]:
        """Add the number of requests, warn if ThingSpace slowed the task down, and close the progress file."""
        if self._progress_file is not None:
            self._progress_file.close()
        for shared in self._shared:
            shared.close()
        if self._clients:
            for client in self._clients:
                client.close()
            count = RequestCount.total(client.count for client in self._clients)
            result["requests"] = count.as_result()
            count.warn_if_throttled(self.warn, "the task", "'rate_limit' or a lower 'max_concurrency'")
        return result


def _require_directory(journal: str, problems: list[Problem]) -> None:
    """Add a problem if no file can be there, even if this task would not open it."""
    if os.path.isdir(os.path.dirname(os.path.abspath(journal))) and not os.path.isdir(journal):
        return
    # Imported for the rare mistake only.
    from ._journal.file import require_directory  # pylint: disable=import-outside-toplevel

    try:
        require_directory(journal)
    except LicensingError as error:
        problems.append(Problem(error.message, error.code))


def run_module(
    run: t.Callable[[Context], Result], options: dict[str, t.Any], *, check_mode: bool = True, **constraints: t.Any
) -> None:
    """Build the module, run its flow, and exit or fail.

    :param options: argument spec in addition to the connection options.
    :param constraints: C(mutually_exclusive) and similar arguments.
    """
    # The process is short. It creates hundreds of thousands of small tuples and no cyclic garbage.
    gc.disable()
    spec = {**CONNECTION_SPEC, **options}
    module = LicensingModule(argument_spec=spec, supports_check_mode=check_mode, **constraints)
    if REQUESTS_IMPORT_ERROR:
        text = missing_required_lib("requests", url="https://requests.readthedocs.io/")
        module.fail_json(text, failure={"code": "missing_library", "message": text}, exception=REQUESTS_IMPORT_ERROR)
    context = Context(module)
    result = truthful(result_of(run, context), context.writes)
    try:
        values = context.finish(dict(result.values))
        warning = bound_result(values, module.params)
        if warning:
            context.warn(warning)
        shorten(module.params)
        # Signals are handled until the end, so that another one cannot cut off the result.
        _end(module, result, values)
    except Exception as error:  # pylint: disable=broad-exception-caught
        # A result that cannot be returned must not look as if nothing had happened.
        _end(module, truthful(Result({}, result.changed, failure=defect(error)), context.writes), {})


def _end(module: LicensingModule, result: Result, values: dict[str, t.Any]) -> t.NoReturn:
    if result.failure is not None:
        module.fail_json(result.failure.message, failure=result.failure.as_failure(), changed=result.changed, **values)
    module.exit_json(changed=result.changed, **values)
    raise SystemExit(0)


def result_of(run: t.Callable[[Context], Result], context: Context) -> Result:
    """The result of a flow, or its failure."""
    try:
        return run(context)
    except LicensingError as error:
        return Result({}, failure=error)
    except Exception as error:  # pylint: disable=broad-exception-caught
        return Result({}, failure=defect(error))


def truthful(result: Result, writes: int) -> Result:
    """The same result, but "changed" if it has only a failure and writes were sent.

    :param writes: how many writes of the task may have been executed.
    """
    if result.failure is None or result.values or not writes:
        return result
    result.changed = True
    sent = f"{many(writes, 'request')} {'was' if writes == 1 else 'were'} sent"
    result.failure.add(f" Before that, {sent} that may have changed something.")
    return result
