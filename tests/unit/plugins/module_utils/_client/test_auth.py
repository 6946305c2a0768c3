# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tokens: had once, shared, renewed once, and never at the price of a locked account."""

from __future__ import annotations

import threading
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client import auth as auth_module
from ansible_collections.thingspace.licensing.plugins.module_utils._client import login_guard, runtime_dir, token_state
from ansible_collections.thingspace.licensing.plugins.module_utils._client.auth import Authenticator
from ansible_collections.thingspace.licensing.plugins.module_utils._client.login_answer import LoginRefused
from ansible_collections.thingspace.licensing.plugins.module_utils._client.runtime_dir import (
    FileStore,
    MemoryStore,
    Store,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._client.secrets import SecretRegister, spellings
from ansible_collections.thingspace.licensing.plugins.module_utils._client.token_store import TokenStore
from ansible_collections.thingspace.licensing.plugins.module_utils._client.tokens import Tokens
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError, TransportError
from ansible_collections.thingspace.licensing.tests.support.fakes import (
    CREDENTIALS,
    LOGIN,
    LOGOUT,
    OAUTH,
    Clock,
    Script,
    Step,
    connection,
    headers_of,
    lost,
    sender,
    step,
)

WRONG = {"errorCode": "UnifiedWebService.INPUT_INVALID.Password.Invalid", "errorMessage": "Wrong."}
GATEWAY = {"fault": {"code": "900901", "message": "Invalid Credentials", "description": "Access failure"}}


def oauth(token: str = "A1", seconds: t.Any = 3600) -> Step:
    """An access token is handed out."""
    return step("POST", OAUTH, 200, {"access_token": token, "token_type": "Bearer", "expires_in": seconds})


def login(token: str = "S1") -> Step:
    """A session is opened."""
    return step("POST", LOGIN, 200, {"sessionToken": token})


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of everything that knows the time."""
    clock = Clock()
    for module in (auth_module, runtime_dir):
        monkeypatch.setattr(module, "time", clock.module())
    # As if it were a directory that jobs share.
    monkeypatch.setattr(MemoryStore, "lasting", True)
    return clock


@pytest.fixture(params=["transactions", "turns"])
def store(request: pytest.FixtureRequest) -> Store:
    """As on one machine, and as in a database whose transactions must be short."""
    return MemoryStore() if request.param == "transactions" else TokenStore(MemoryStore())


def session_state(store: Store) -> dict[str, t.Any]:
    """The state with the tokens of all secrets, to be changed in place."""
    kept = store._store if isinstance(store, TokenStore) else store
    assert isinstance(kept, MemoryStore)
    (state,) = [state for name, state in kept._states.items() if name.startswith("session-") and state]
    return state


def auth(script: Script, store: Store, clock: Clock, **given: t.Any) -> Authenticator:
    """An authenticator with full credentials, unless told otherwise."""
    values = {**CREDENTIALS, **given}
    return Authenticator(connection(**values), sender(script, clock), store, SecretRegister(lambda _form: None))


def pair(tokens: Tokens | None) -> tuple[str, str] | None:
    """Both tokens."""
    return (tokens.access, tokens.session) if tokens else None


def test_first_login(store: Store, clock: Clock) -> None:
    script = Script(oauth(), login())
    tokens = auth(script, store, clock).tokens()
    assert pair(tokens) == ("A1", "S1")
    first, second = script.sent
    assert headers_of(first)["Authorization"] == "Basic YXBwOmFwcC1zZWNyZXQ="
    assert (first.form, first.json) == ({"grant_type": "client_credentials"}, None)
    assert headers_of(second)["Authorization"] == "Bearer A1"
    assert second.json == {"username": "user", "password": "pass-word"}
    assert tokens.auth()._headers == {"Authorization": "Bearer A1", "VZ-M2M-Token": "S1"}


def test_next_task_finds_the_tokens(store: Store, clock: Clock) -> None:
    auth(Script(oauth(), login()), store, clock).tokens()
    assert pair(auth(Script(), store, clock).tokens()) == ("A1", "S1")
    assert pair(auth(Script(), store, clock).cached()) == ("A1", "S1")


@pytest.mark.parametrize(
    "other",
    [
        {"username": "x"},
        {"client_id": "x"},
        {"base_url": "https://other.test/api"},
        {"password": "x"},
        {"client_secret": "x"},
    ],
)
def test_tokens_belong_to_server_application_user_and_secrets(
    other: dict[str, str], store: Store, clock: Clock
) -> None:
    auth(Script(oauth(), login()), store, clock).tokens()
    assert auth(Script(), store, clock, **other).cached() is None


def test_whoever_has_another_password_disturbs_nobody(store: Store, clock: Clock) -> None:
    """With a database, it may be a node that was forgotten when the password changed."""
    auth(Script(oauth(), login()), store, clock).tokens()
    with pytest.raises(LoginRefused):
        auth(Script(oauth("A2"), step("POST", LOGIN, 401, WRONG)), store, clock, username="user", password="x").tokens()
    handed = {**dict.fromkeys(CREDENTIALS), "access_token": "GA", "session_token": "GS"}
    assert pair(auth(Script(), store, clock, **handed).tokens()) == ("GA", "GS")
    assert pair(auth(Script(), store, clock).tokens()) == ("A1", "S1")


def test_many_threads_log_in_once(tmp_path: Path, clock: Clock) -> None:
    directory, found = str(tmp_path / "run"), []
    script = Script(oauth(), login())

    def work() -> None:
        found.append(pair(auth(script, FileStore(directory), clock).tokens()))

    together(work)
    assert found == [("A1", "S1")] * 8
    script.finished()


@pytest.mark.parametrize("shared", [True, False])
def test_many_threads_renew_once(shared: bool, tmp_path: Path, clock: Clock) -> None:
    directory, found = str(tmp_path / "run"), []
    script = Script(oauth(), login(), login("S2"))
    one = auth(script, FileStore(directory), clock)
    old = one.tokens()

    def work() -> None:
        mine = one if shared else auth(script, FileStore(directory), clock)
        mine.renew(old, "session")
        found.append(pair(mine.tokens()))

    together(work)
    assert found == [("A1", "S2")] * 8
    script.finished()


def together(work: t.Callable[[], None]) -> None:
    """Run it in eight threads; their errors are the test's."""
    errors: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded) for _number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_renewing_the_access_token_keeps_the_session(store: Store, clock: Clock) -> None:
    script = Script(oauth(), login(), oauth("A2"))
    one = auth(script, store, clock)
    one.renew(one.tokens(), "access")
    assert pair(one.tokens()) == ("A2", "S1")
    script.finished()
    assert clock.slept == []


@pytest.mark.parametrize(("seconds", "wait"), [(2, 2.5), (0, 0.5), (3000, 5.5), (-7, 0.5)])
def test_same_access_token_handed_out_again_is_waited_out(
    seconds: int, wait: float, store: Store, clock: Clock
) -> None:
    script = Script(oauth(), login(), oauth("A1", seconds), oauth("A2"))
    one = auth(script, store, clock)
    one.renew(one.tokens(), "access")
    assert pair(one.tokens()) == ("A2", "S1")
    assert clock.slept == [wait]


@pytest.mark.parametrize(("seconds", "good"), [("1200", 1200), (None, 3600), ("x", 3600), ([], 3600), (90.5, 90.5)])
def test_life_of_an_access_token(seconds: t.Any, good: float, store: Store, clock: Clock) -> None:
    auth(Script(oauth("A1", seconds), login()), store, clock).tokens()
    passed = 0.0
    while passed + 1000 < good:  # the session stays in use, the access token grows old
        passed += 1000
        clock.now += 1000
        auth(Script(), store, clock).tokens()
    clock.now += good - passed - 0.1
    assert pair(auth(Script(), store, clock).cached()) == ("A1", "S1")
    clock.now += 0.2
    assert pair(auth(Script(oauth("A2")), store, clock).tokens()) == ("A2", "S1")


def test_session_is_given_up_before_thingspace_ends_it() -> None:
    assert 10 * 60 < token_state.SESSION_IDLE < 20 * 60


def test_idle_session_is_not_trusted(store: Store, clock: Clock) -> None:
    auth(Script(oauth(), login()), store, clock).tokens()
    clock.now += token_state.SESSION_IDLE - 1
    assert pair(auth(Script(), store, clock).tokens()) == ("A1", "S1"), "and this is a use"
    clock.now += token_state.SESSION_IDLE - 1
    assert pair(auth(Script(), store, clock).cached()) == ("A1", "S1")
    clock.now += 1
    script = Script(login("S2"))
    assert pair(auth(script, store, clock).tokens()) == ("A1", "S2")


def test_long_task_notes_that_the_session_is_in_use(store: Store, clock: Clock) -> None:
    one = auth(Script(oauth("A1", 10**6), login()), store, clock)
    for _minute in range(60):
        assert pair(one.tokens()) == ("A1", "S1")
        clock.now += 61
    assert pair(auth(Script(), store, clock).cached()) == ("A1", "S1")


@pytest.mark.parametrize(
    ("given", "steps", "tokens"),
    [
        ({"access_token": "GA", "session_token": "GS"}, [], ("GA", "GS")),
        ({"access_token": "GA"}, [login()], ("GA", "S1")),
        ({"session_token": "GS"}, [oauth()], ("A1", "GS")),
    ],
)
def test_tokens_that_were_handed_over_come_first(
    given: dict[str, str], steps: list[Step], tokens: tuple[str, str], store: Store, clock: Clock
) -> None:
    script = Script(*steps)
    assert pair(auth(script, store, clock, **given).tokens()) == tokens
    script.finished()


def test_handed_over_tokens_win_over_shared_ones(store: Store, clock: Clock) -> None:
    auth(Script(oauth(), login()), store, clock).tokens()
    one = auth(Script(), store, clock, session_token="GS")
    assert pair(one.tokens()) == ("A1", "GS")
    one.renew(one.tokens(), "session")
    assert pair(one.tokens()) == ("A1", "S1"), "the shared one replaces it without a login"


def test_refused_handed_over_tokens_are_replaced_when_there_are_credentials(store: Store, clock: Clock) -> None:
    script = Script(login("S2"), oauth("A2"))
    one = auth(script, store, clock, access_token="GA", session_token="GS")
    one.renew(one.tokens(), "session")
    assert pair(one.tokens()) == ("GA", "S2")
    one.renew(one.tokens(), "access")
    assert pair(one.tokens()) == ("A2", "S2")
    script.finished()


def test_handed_over_access_token_that_the_login_found_refused_is_not_taken_up_again(
    store: Store, clock: Clock
) -> None:
    script = Script(step("POST", LOGIN, 401, GATEWAY), oauth("A2"), login())
    one = auth(script, store, clock, access_token="GA")
    assert pair(one.tokens()) == ("A2", "S1")
    clock.now += auth_module.TOUCH_EVERY + 1
    assert pair(one.tokens()) == ("A2", "S1")
    script.finished()


@pytest.mark.parametrize(("kind", "named"), [("access", "client_id"), ("session", "username")])
def test_refused_handed_over_token_without_credentials(
    kind: t.Literal["access", "session"], named: str, store: Store, clock: Clock
) -> None:
    nothing = dict.fromkeys(CREDENTIALS)
    one = auth(Script(), store, clock, access_token="GA", session_token="GS", **nothing)
    with pytest.raises(LicensingError, match=f"'{kind}_token' that was handed over .* no '{named}'") as raised:
        one.renew(one.tokens(), kind)
    assert raised.value.code == "auth_rejected"


def refuse_login(store: Store, clock: Clock, **given: t.Any) -> LicensingError:
    """A login that ThingSpace refuses."""
    cached = auth(Script(), store, clock, **given).cached()
    steps = [step("POST", LOGIN, 400, WRONG)]
    script = Script(*(steps if _has_access(store, clock, given) else [oauth(), *steps]))
    assert cached is None
    with pytest.raises(LoginRefused) as raised:
        auth(script, store, clock, **given).tokens()
    script.finished()
    return raised.value


def _has_access(store: Store, clock: Clock, given: dict[str, t.Any]) -> bool:
    with token_state.token_state(store, connection(**{**CREDENTIALS, **given}), 1.0) as state:
        return state.get("access") is not None


def test_refused_login_is_told(store: Store, clock: Clock) -> None:
    error = refuse_login(store, clock)
    assert error.as_failure() == {
        "code": "login_refused",
        "message": error.message,
        "status": 400,
        "api_code": WRONG["errorCode"],
    }
    assert f"(HTTP 400, {WRONG['errorCode']})" in error.message
    assert "locks after five refused logins" in error.message
    assert "pass-word" not in error.message


def test_password_refused_twice_is_not_sent_again(store: Store, clock: Clock) -> None:
    refuse_login(store, clock)
    refuse_login(store, clock)
    for _try in range(3):
        with pytest.raises(LicensingError, match="refused this 'password' 2 times for 'user'") as raised:
            auth(Script(), store, clock).tokens()
        assert raised.value.code == "login_blocked"


def test_refusals_are_shared_by_processes(tmp_path: Path, clock: Clock) -> None:
    directory = str(tmp_path / "run")
    refuse_login(FileStore(directory), clock)
    refuse_login(FileStore(directory), clock)
    with pytest.raises(LicensingError, match=directory) as raised:
        auth(Script(), FileStore(directory), clock).tokens()
    assert raised.value.code == "login_blocked"


def test_many_threads_with_a_wrong_password_send_it_twice(tmp_path: Path, clock: Clock) -> None:
    directory, codes = str(tmp_path / "run"), []
    script = Script(oauth(), step("POST", LOGIN, 400, WRONG), step("POST", LOGIN, 400, WRONG))

    def work() -> None:
        with pytest.raises(LicensingError) as raised:
            auth(script, FileStore(directory), clock).tokens()
        codes.append(raised.value.code)

    together(work)
    assert sorted(codes) == ["login_blocked"] * 6 + ["login_refused"] * 2
    script.finished()


def test_another_password_is_tried_at_once(store: Store, clock: Clock) -> None:
    refuse_login(store, clock)
    refuse_login(store, clock)
    script = Script(oauth(), login())
    assert pair(auth(script, store, clock, password="better").tokens()) == ("A1", "S1")
    script.finished()
    # A login that succeeded makes up for the refusals, but a password is sent four times an hour at most.
    refuse_login(store, clock)
    refuse_login(store, clock)
    store_forgets_tokens(store)
    script = Script(oauth(), login())
    auth(script, store, clock, password="better").tokens()
    script.finished()
    with pytest.raises(LicensingError, match="this 'password' was sent 4 times without a success"):
        auth(Script(oauth()), store, clock).tokens()


def test_four_refusals_block_every_password(store: Store, clock: Clock) -> None:
    for number in range(4):
        refuse_login(store, clock, password=f"guess {number}")
    with pytest.raises(LicensingError, match="4 logins in a row had no success for 'user'") as raised:
        auth(Script(oauth()), store, clock, password="right").tokens()
    assert raised.value.code == "login_blocked"


def test_four_lost_logins_block_because_each_may_have_been_a_refusal(store: Store, clock: Clock) -> None:
    for _task in range(2):
        with pytest.raises(LicensingError):
            auth(Script(*([] if _task else [oauth()]), *[step("POST", LOGIN, 503, {})] * 2), store, clock).tokens()
    with pytest.raises(LicensingError, match="this 'password' was sent 4 times without a success") as raised:
        auth(Script(), store, clock).tokens()
    assert raised.value.code == "login_blocked"


def test_lost_logins_with_different_passwords_block_as_well(store: Store, clock: Clock) -> None:
    for number in range(4):
        given = {"password": f"guess {number}"}
        with pytest.raises(LicensingError):
            auth(Script(oauth(), step("POST", LOGIN, 200, {})), store, clock, **given).tokens()
    with pytest.raises(LicensingError, match=r"4 logins in a row .* \(4 of them without a clear answer\)") as raised:
        auth(Script(oauth()), store, clock).tokens()
    assert raised.value.code == "login_blocked"


def test_login_that_succeeds_makes_up_for_lost_ones(store: Store, clock: Clock) -> None:
    for _time in range(3):
        script = Script(oauth(), step("POST", LOGIN, 503, {}), login())
        one = auth(script, store, clock)
        assert pair(one.tokens()) == ("A1", "S1")
        store_forgets_tokens(store)


def store_forgets_tokens(store: Store) -> None:
    session_state(store)["tokens"] = {}


def test_refusals_of_another_user_do_not_count(store: Store, clock: Clock) -> None:
    refuse_login(store, clock)
    refuse_login(store, clock)
    assert pair(auth(Script(oauth(), login()), store, clock, username="other").tokens()) == ("A1", "S1")


def test_refusals_are_forgotten_after_an_hour(store: Store, clock: Clock) -> None:
    refuse_login(store, clock)
    refuse_login(store, clock)
    clock.now += login_guard.HOUR - 1
    with pytest.raises(LicensingError, match="refused this 'password'"):
        auth(Script(), store, clock).tokens()
    clock.now += 2
    assert pair(auth(Script(oauth(), login()), store, clock).tokens()) == ("A1", "S1")


def test_log_out_clears_the_refusals(store: Store, clock: Clock) -> None:
    refuse_login(store, clock)
    refuse_login(store, clock)
    assert auth(Script(), store, clock).log_out() is False
    assert pair(auth(Script(oauth(), login()), store, clock).tokens()) == ("A1", "S1")


def test_log_out_ends_the_session_and_forgets_it(store: Store, clock: Clock) -> None:
    one = auth(Script(oauth(), login(), step("POST", LOGOUT, 200, {"sessionToken": "S1"})), store, clock)
    one.tokens()
    assert one.log_out() is True
    assert one.cached() is None
    assert auth(Script(), store, clock).log_out() is False


def test_log_out_with_another_password_leaves_the_session_alone(store: Store, clock: Clock) -> None:
    """It knows nothing of that session, and cannot end it."""
    one = auth(Script(oauth(), login()), store, clock)
    tokens = one.tokens()
    assert auth(Script(), store, clock, password="stale").log_out() is False
    assert auth(Script(), store, clock).cached() == tokens


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_log_out_of_a_session_that_is_over_is_fine(status: int, store: Store, clock: Clock) -> None:
    one = auth(Script(oauth(), login(), step("POST", LOGOUT, status, {"errorCode": "x"})), store, clock)
    one.tokens()
    assert one.log_out() is True
    assert one.cached() is None


def test_log_out_that_does_not_get_through_is_told(store: Store, clock: Clock) -> None:
    one = auth(Script(oauth(), login(), *[step("POST", LOGOUT, 503)] * 3), store, clock)
    one.tokens()
    with pytest.raises(LicensingError) as raised:
        one.log_out()
    assert raised.value.code == "server_error"
    assert pair(one.cached()) == ("A1", "S1")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": "invalid_request", "error_description": "x"}),
        (401, {"error": "invalid_client", "error_description": "x"}),
        (403, b"<am:fault xmlns:am='http://wso2.org/apimanager'><am:code>404</am:code></am:fault>"),
    ],
)
def test_refused_application(status: int, body: t.Any, store: Store, clock: Clock) -> None:
    with pytest.raises(LoginRefused, match="'client_id', 'client_secret'") as raised:
        auth(Script(step("POST", OAUTH, status, body)), store, clock).tokens()
    assert raised.value.code == "login_refused"
    # It locks nothing.
    assert "locks" not in raised.value.message
    # The user's password was not looked at.
    assert pair(auth(Script(oauth(), login()), store, clock).tokens()) == ("A1", "S1")


def test_login_that_the_gateway_turns_away_does_not_count_as_refused(store: Store, clock: Clock) -> None:
    steps = [oauth("A0"), step("POST", LOGIN, 401, GATEWAY), oauth("A1"), login()]
    script = Script(*steps)
    assert pair(auth(script, store, clock).tokens()) == ("A1", "S1")
    script.finished()
    assert headers_of(script.sent[-1])["Authorization"] == "Bearer A1"


def test_gateway_that_turns_every_login_away(store: Store, clock: Clock) -> None:
    turned_away = step("POST", LOGIN, 401, GATEWAY)
    script = Script(oauth("A0"), turned_away, oauth("A1"), turned_away)
    with pytest.raises(LicensingError) as raised:
        auth(script, store, clock).tokens()
    assert raised.value.code == "auth_rejected"
    script.finished()
    assert pair(auth(Script(login()), store, clock).tokens()) == ("A1", "S1"), "no refusal was counted"


def test_gateway_that_turns_every_login_away_sees_a_password_four_times(store: Store, clock: Clock) -> None:
    codes = []
    for number in range(4):
        steps = [step("POST", LOGIN, 401, GATEWAY), oauth(f"B{number}"), step("POST", LOGIN, 401, GATEWAY)]
        with pytest.raises(LicensingError) as raised:
            auth(Script(oauth(f"A{number}"), *steps) if not number else Script(*steps), store, clock).tokens()
        codes.append(raised.value.code)
    assert codes == ["auth_rejected"] * 2 + ["login_blocked"] * 2


def test_login_page_of_a_proxy_is_not_an_access_token_refused_by_the_gateway(store: Store, clock: Clock) -> None:
    page = b"<html><title>Forbidden</title><body class='default'></body></html>"
    script = Script(oauth(), step("POST", LOGIN, 403, page))
    with pytest.raises(LicensingError, match="HTML or XML page, so the proxy or a firewall") as raised:
        auth(script, store, clock).tokens()
    assert raised.value.code == "bad_answer"


@pytest.mark.parametrize("broken", [lost("POST", LOGIN), step("POST", LOGIN, 502)])
def test_lost_answer_to_a_login_is_asked_for_once_more(broken: Step, store: Store, clock: Clock) -> None:
    assert pair(auth(Script(oauth(), broken, login()), store, clock).tokens()) == ("A1", "S1")
    assert clock.slept == [1.0]


def test_lost_answers_to_a_login_are_not_asked_for_again_and_again(store: Store, clock: Clock) -> None:
    script = Script(oauth(), lost("POST", LOGIN), lost("POST", LOGIN))
    with pytest.raises(TransportError) as raised:
        auth(script, store, clock).tokens()
    assert raised.value.code == "connection_failed"
    script.finished()


@pytest.mark.parametrize("status", [404, 405, 429])
def test_statuses_that_say_nothing_about_the_password(status: int, store: Store, clock: Clock) -> None:
    count = 2 if status == 429 else 1
    script = Script(oauth(), *[step("POST", LOGIN, status, {})] * count)
    with pytest.raises(LicensingError) as raised:
        auth(script, store, clock).tokens()
    assert raised.value.code in ("api_rejected", "server_error", "rate_limited")
    assert pair(auth(Script(login()), store, clock).tokens()) == ("A1", "S1")


@pytest.mark.parametrize("token", [None, "", 7, "a\nb", ["x"], "t\u20ack"])
def test_answer_without_a_token_that_a_header_can_hold(token: t.Any, store: Store, clock: Clock) -> None:
    script = Script(oauth(), step("POST", LOGIN, 200, {"sessionToken": token}))
    with pytest.raises(LicensingError, match="holds no 'sessionToken'") as raised:
        auth(script, store, clock).tokens()
    assert raised.value.code == "bad_answer"


def test_issued_tokens_and_given_secrets_are_masked(store: Store, clock: Clock) -> None:
    masked: set[str] = set()
    one = Authenticator(
        connection(**CREDENTIALS), sender(Script(oauth(), login()), clock), store, SecretRegister(masked.add)
    )
    assert spellings("app-secret") | spellings("pass-word") | spellings("app:app-secret") == masked
    one.tokens()
    assert masked >= spellings("A1") | spellings("S1")


def test_tokens_that_are_asked_for_are_not_masked(store: Store, clock: Clock) -> None:
    masked: set[str] = set()
    talker = sender(Script(oauth(), login()), clock)
    Authenticator(connection(**CREDENTIALS), talker, store, SecretRegister(masked.add), hide_tokens=False).tokens()
    assert not masked & {"A1", "S1"}
    assert "pass-word" in masked


def test_nothing_in_the_shared_file_gives_a_password_away(tmp_path: Path, clock: Clock) -> None:
    directory = tmp_path / "run"
    auth(Script(oauth(), login()), FileStore(str(directory)), clock).tokens()
    files = list(directory.iterdir())
    assert sorted(file.name.partition("-")[0] for file in files if file.suffix == ".json") == [
        "logins",
        "logins",
        "session",
    ]
    text = "".join(file.read_text() + file.name for file in files)
    assert "A1" in text
    for secret in ("app-secret", "pass-word", "user"):
        assert not any(form in text for form in spellings(secret))


@pytest.mark.parametrize(
    "damage", [{"salt": "no hex"}, {"salt": 5}, {"session": 5}, {"session_used": "x"}, {"tokens": 5}, {"tokens": None}]
)
def test_shared_tokens_of_wrong_types_are_had_again(damage: dict[str, t.Any], store: Store, clock: Clock) -> None:
    auth(Script(oauth(), login()), store, clock).tokens()
    state = session_state(store)
    (kept,) = state["tokens"].values()
    kept.pop("session")
    (state if {"salt", "tokens"} & set(damage) else kept).update(damage)
    only_session = {"session", "session_used"} & set(damage)
    tokens = auth(Script(login()) if only_session else Script(oauth(), login()), store, clock).tokens()
    assert pair(tokens) == ("A1", "S1")
