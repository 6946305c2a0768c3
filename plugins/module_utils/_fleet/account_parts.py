# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What is wanted of an account, as the parts that the flows of the license modules plan and carry out."""

from __future__ import annotations

import os
import typing as t
from types import MappingProxyType

from .._errors import LicensingError

PartKind = t.Literal["fota", "removal_candidates", "simsec"]

LicenseKind = t.Literal["fota", "simsec"]
"""What devices hold, and lose with C(exact) if no set wants it."""

LICENSES: dict[LicenseKind, str] = {"fota": "FOTA license", "simsec": "SIM-Secure license"}

Action = t.Literal["exact", "present", "absent"]
"""The C(state) of a license module."""

Options = dict[str, t.Any]

Lists = t.Mapping[str, t.Sequence[str]]
"""Devices, by the name of their list."""

SkuPool = tuple[str, str]
"""A SKU, and the kind of the ids that hold it."""

LIMITS = ("max_changes", "max_removals")
RETRIES = ("retry_failed", "retry_unknown")

COUNTS = ("assign", "remove", "add", "move")
"""What a plan counts that changes something."""

ORDER: tuple[tuple[PartKind, str], ...] = (
    ("simsec", "present"),
    ("fota", "take"),
    ("fota", ""),
    ("fota", "give"),
    ("simsec", "take"),
    ("simsec", "give"),
    ("simsec", "moved"),
    ("removal_candidates", ""),
    ("simsec", "absent"),
)
"""In which order parts are carried out. New licenses come first, and old ones are removed last. But an undo takes first
what no device gets something else for, so that a full pool has licenses to give back.
"""


class Part(t.NamedTuple):
    """What one license module does for an account.

    :param name: unique in the account, also part of the names of its reports.
    :param options: the module's options as a task would give them.
    :param about: what a plan says about it besides the module's result.
    :param ready: options that were checked where they were read: the devices.
    :param needed: whether the account has no plan if this part has none, whatever the reason.
    :param bound: whether it is carried out only if it still comes to exactly its plan. Otherwise, earlier parts change
        what it was planned for, and it changes no more devices than its plan.
    :param late: reads more options of this kind right before it is carried out.
    """

    kind: PartKind
    name: str
    options: Options
    about: dict[str, t.Any]
    ready: Options
    needed: bool = False
    bound: bool = True
    late: t.Callable[[], Options] | None = None

    @property
    def order(self) -> int:
        """Its place in C(ORDER)."""
        state = self.options["state"] if self.kind == "simsec" else ""
        return ORDER.index((self.kind, self.about.get("step") or state))

    @property
    def is_last(self) -> bool:
        """Whether it removes old licenses after all else."""
        return self.order == len(ORDER) - 1

    def planned(self, result: dict[str, t.Any]) -> dict[str, t.Any]:
        """What a plan is made of: the part, and the result of its module in check mode."""
        return {"kind": self.kind, "list": self.name, **self.about, "result": result}


class PartPlan(t.NamedTuple):
    """What was planned for a part, as far as the task that carries it out must know it.

    :param digest: of the module's plan; None if the module did not list the current state.
    :param changes: how many devices change; C(incomplete), how many are left not as wanted; C(removals), how many of
        the changed ones lose something.
    :param target: of an undo, the digest of the restored removal candidate list.
    """

    digest: str | None
    changes: int
    incomplete: int = 0
    target: str = ""
    removals: int = 0


class Wanted(t.NamedTuple):
    """What is wanted of an account, whatever says so: a fleet file, a survey, or the record of a run to undo.

    :param digest: SHA-256 of the wanted state.
    :param about: what a plan says about the account besides its parts, such as C(file), C(freeze), and C(sets).
    :param incomplete: devices that are not as wanted and that belong to no part, as rows of a plan.
    :param emptied: the sets that select no device, for each kind of license that devices lose if no set wants it, and
        for the removal candidates.
    :param unsure: the sets of removal candidates with a device that no request can name.
    :param unguarded: the sets of protected devices that select no device.
    """

    account: str
    digest: str
    parts: list[Part]
    about: dict[str, t.Any]
    incomplete: list[dict[str, str]]
    emptied: t.Mapping[PartKind, t.Sequence[str]] = MappingProxyType({})
    unsure: t.Sequence[str] = ()
    unguarded: t.Sequence[str] = ()


class RunOptions(t.NamedTuple):
    """The options of C(fleet_account), read once.

    :param reports: directory for the reports of the account.
    :param journal: the SIM-Secure journal.
    :param wait: whether the task that carries the plan out waits for confirmations, which later waves need.
    :param require_listener: whether a listener must be registered; None if that depends on whether it is needed.
    :param retries: the options that send failed or unknown requests again, by their names.
    :param journal_new: whether it is meant that the journal is empty.
    :param settle_time: seconds until a count proves the result of a request; None if that depends on earlier reports.
    :param src: fleet files, C(survey), answers of a form, or C(undo_run), a run to reverse: what is wanted.
    :param history: directory with the records of all runs.
    :param require_journal: whether SIM-Secure licenses need a journal.
    :param planned: what C(fleet_account) returned in check mode; C(approved), whether somebody approved that.
    :param mark: mark of the run that carries it out.
    :param only_wait: whether to send nothing, and to wait for what an earlier run sent.
    :param stop_together: directory by which an account that fails stops the others.
    """

    reports: str
    journal: str | None
    wait: bool
    require_listener: bool | None
    retries: dict[str, bool]
    journal_new: bool = False
    settle_time: float | None = None
    account: str = ""
    src: list[str] | None = None
    survey: Options | None = None
    undo_run: str | None = None
    history: str | None = None
    require_journal: bool = False
    planned: Options | None = None
    approved: bool = False
    mark: str | None = None
    only_wait: bool = False
    wait_timeout: float = 0
    stop_together: str | None = None

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any]) -> RunOptions:
        """The options of the task. The directory is that of its account."""
        made = {name: params[name] for name in cls._fields if name not in ("reports", "retries")}
        reports = os.path.join(params["reports"], params["account"])
        return cls(**made, reports=reports, retries={name: params[name] for name in RETRIES})

    @property
    def dest(self) -> str:
        """The directory with the reports of all accounts."""
        return os.path.dirname(self.reports)

    def make_folder(self) -> None:
        """Make the directory for the reports, before ThingSpace is asked anything.

        :raises LicensingError: C(report_unwritable).
        """
        try:
            os.makedirs(self.reports, mode=0o700, exist_ok=True)
        except OSError as error:
            text = f"The directory {self.reports} cannot be made: {error.strerror or error}. Nothing was sent."
            raise LicensingError(text, code="report_unwritable") from None

    def common(self, account: str, name: str) -> Options:
        """The options that all parts have."""
        return {"account": account, "report": "none", "devices_report": os.path.join(self.reports, f"plan-{name}.csv")}

    def simsec(self, settings: t.Mapping[str, t.Any]) -> Options:
        """The options that all parts for SIM-Secure licenses have.

        :param settings: those that the part has already.
        """
        retries = {name: bool(settings.get(name) or asked) for name, asked in self.retries.items()}
        # A request without waves needs no confirmation to be planned. The plan predicts it as accepted.
        wait = self.wait and "waves" in settings
        return {
            **retries,
            "journal": self.journal,
            "journal_new": self.journal_new,
            "wait": wait,
            "require_listener": self.require_listener,
            "settle_time": self.settle_time,
        }


def parts_of(wanted: t.Mapping[str, t.Any], lists: Lists, run: RunOptions) -> t.Iterator[Part]:
    """The parts of an account in a fleet file, one kind after another.

    :param wanted: what C(fleet_files) returns for the account.
    :param lists: its devices.
    """
    account = wanted["account"]
    if wanted["fota"]:
        yield _fota(wanted, lists, run)
    if wanted["removal_candidates"]:
        yield _candidates(wanted, lists, run)
    before: dict[str, list[str]] = {}
    for state, count, name in (("present", "count", "list"), ("absent", "remove", "remove_list")):
        for pool in wanted["simsec"]:
            if pool[count]:
                options = {"state": state, **_simsec(pool, state)}
                ready: Options = {"devices": lists[pool[name]]}
                if state == "absent":
                    ready["replaced_by"] = list(_instead(wanted, lists))
                else:
                    ready["bound_before"] = before.get(pool["sku"], [])
                    # Parts of one kind are carried out in this order, too.
                    before[pool["sku"]] = [*ready["bound_before"], *ready["devices"]]
                about = {key: pool.get(key) for key in ("sku", "lifetime", "reserve", "lifetime_consent", *LIMITS)}
                about["id_kind"] = pool["kind"]
                given = {**options, **run.simsec(options), **run.common(account, pool[name])}
                yield Part("simsec", pool[name], given, about, ready)


def _fota(wanted: t.Mapping[str, t.Any], lists: Lists, run: RunOptions) -> Part:
    settings = wanted["fota"]
    names = ("state", "api_version", "max_changes", "max_removals", "reserve", "waves", "max_failures")
    options = _given(settings, *names, "removal_candidates", "foreseen_refusals")
    given = {**options, **run.common(wanted["account"], "fota")}
    ready = {"devices": lists["fota"], "list_follows": bool(wanted["removal_candidates"])}
    return Part("fota", "fota", given, _about(settings), ready)


def _candidates(wanted: t.Mapping[str, t.Any], lists: Lists, run: RunOptions) -> Part:
    settings = wanted["removal_candidates"]
    options = {
        "state": "exact",
        "before_file": os.path.join(run.reports, "before-candidates.csv"),
        # The fleet files want licenses for these devices, which are assigned before the devices are listed.
        "unlicensed": "ignore" if wanted["fota"] else "refuse",
        **_given(settings, "api_version", "max_changes", "max_removals", "unlicensed"),
        **run.common(wanted["account"], "removal_candidates"),
    }
    about = {**_about(settings), "unlicensed": settings.get("unlicensed")}
    ready: Options = {"devices": lists["candidates"], "protected": lists["protected"]}
    if wanted["fota"] and wanted["fota"]["state"] == "exact":
        # All others lose their license before the list is written. See C(carry_out).
        ready["licensed"] = lists["fota"]
    return Part("removal_candidates", "removal_candidates", options, about, ready)


def _simsec(pool: t.Mapping[str, t.Any], state: str) -> Options:
    own = ("lifetime_consent", "lifetime_elsewhere", "reserve") if state == "present" else ("max_removals",)
    return _given(pool, "sku", "kind", "max_changes", "waves", "max_failures", *RETRIES, *own)


def _instead(wanted: t.Mapping[str, t.Any], lists: Lists) -> t.Iterator[Options]:
    """Which devices should hold which SIM-Secure license. Their old one is removed only after that is confirmed."""
    for pool in wanted["simsec"]:
        if pool["count"]:
            yield {"sku": pool["sku"], "kind": pool["kind"], "devices": lists[pool["list"]]}


def _about(settings: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {name: settings.get(name) for name in ("api_version", *LIMITS)}


def _given(settings: t.Mapping[str, t.Any], *names: str) -> Options:
    return {name: settings[name] for name in names if settings.get(name) is not None}
