"""Options: defaults, environment, command line, and one sentence for what is wrong."""

from __future__ import annotations

import stat
import traceback
from pathlib import Path

import attrs
import pytest
from twisted.python.usage import UsageError

from ppl.errors import StoreUnsuitable
from ppl.options import (
    OPTIONS,
    Option,
    Options,
    default_settings,
    link_secret,
    option_table,
    settings_from,
    unknown_variables,
)
from ppl.store.connecting.connection import describe
from ppl.version import version


def test_the_defaults_bind_to_loopback_and_close_registration_after_the_first_account() -> None:
    settings = settings_from({}, {})
    assert settings.http == "tcp:8080:interface=127.0.0.1"
    assert settings.listen_interface == "127.0.0.1"
    assert settings.registration == "first"
    assert settings.database is None


def test_the_command_line_wins_over_the_environment_and_that_over_the_default() -> None:
    environment = {"PPL_PUBLIC_HOST": "env.example.com", "PPL_POOL_SIZE": "3"}
    settings = settings_from({"public-host": "line.example.com"}, environment)
    assert (settings.public_host, settings.pool_size) == ("line.example.com", 3)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("role", "both"),
        ("http", "nowhere:1"),
        ("http", ""),
        ("public-url", "logs.example.com"),
        ("public-url", "https://logs.example.com/path"),
        ("public-host", "two words"),
        ("public-host", "host/path"),
        ("ports", "9-1"),
        ("ports", "0-10"),
        ("ports", "1-70000"),
        ("ports", "20000"),
        ("listen-interface", "eth0"),
        ("listen-interface", "300.1.1.1"),
        ("database", "mysql://x"),
        ("database", "mydb"),
        ("database", "foo=bar"),
        ("database", "postgresql://db.example.com/ppl?nonsense=1"),
        ("former-host", "two words"),
        ("registration", "maybe"),
        ("max-line-bytes", "10"),
        ("max-portion", "-1"),
        ("max-portion", "ten"),
        ("queue-bytes", "9" * 30),
        ("link-secret", "short"),
        ("data-dir", ""),
    ],
)
def test_a_wrong_value_is_one_sentence_that_names_the_option_and_says_why(name: str, value: str) -> None:
    with pytest.raises(UsageError) as wrong:
        settings_from({name: value}, {})
    sentence = str(wrong.value)
    assert sentence.startswith(f"--{name}: ")
    assert sentence.endswith(".")
    assert "\n" not in sentence
    variable = f"PPL_{name.upper().replace('-', '_')}"
    with pytest.raises(UsageError, match=variable):
        settings_from({}, {variable: value})


def test_a_secret_is_never_shown() -> None:
    with pytest.raises(UsageError) as wrong:
        settings_from({"link-secret": "hush"}, {})
    assert "hush" not in str(wrong.value)
    assert "sixteen characters" not in repr(settings_from({"link-secret": "sixteen characters"}, {}))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"role": "listener"}, "needs the endpoint of its server"),
        ({"role": "listener", "link": "tcp:8081:interface=127.0.0.1:x=y"}, "not a Twisted client endpoint"),
        ({"role": "server", "link": "tcp:1 tcp:2"}, "exactly one"),
        ({"keep-free-bytes": "1", "database": "postgresql://host/ppl"}, "needs the embedded PostgreSQL"),
        ({"role": "server", "link": "nothing"}, "not a Twisted server endpoint"),
    ],
)
def test_what_does_not_fit_together_is_refused(given: dict[str, str], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        settings_from(given, {})


def test_a_listener_may_have_several_servers() -> None:
    settings = settings_from({"role": "listener", "link": "tcp:a:1 tcp:b:2"}, {})
    assert settings.link == ("tcp:a:1", "tcp:b:2")


def test_the_link_secret_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    settings = default_settings(data_dir=tmp_path / "new")
    secret = link_secret(settings)
    assert len(secret) >= 32
    assert link_secret(settings) == secret
    assert stat.S_IMODE((tmp_path / "new/link-secret").stat().st_mode) == 0o600
    assert link_secret(attrs.evolve(settings, link_secret="given by the operator")) == "given by the operator"


def test_a_secret_that_cannot_be_kept_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be used"):
        link_secret(default_settings(data_dir=tmp_path / "file"))


def test_twistds_options_are_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PPL_ROLE", "all")
    options = Options()
    options.parseOptions(["--ports", "3000-3010"])
    assert options.settings.ports == range(3000, 3011)
    assert [each[0] for each in Options.optParameters] == [option.name for option in OPTIONS]
    table = option_table()
    assert all(f"``--{option.name}``" in table and f"``{option.variable}``" in table for option in OPTIONS)
    assert {option.name.replace("-", "_") for option in OPTIONS} == {
        field.name for field in attrs.fields(type(options.settings))
    }


@pytest.mark.parametrize("option", [option for option in OPTIONS if option.is_secret], ids=lambda option: option.name)
@pytest.mark.parametrize(
    "form", ["{}", "mysql://ppl:{}@db/ppl", "postgresql://ppl:{}%zz@db/ppl", "password={} nonsense"]
)
def test_what_may_hold_a_password_is_never_shown(option: Option, form: str) -> None:
    value = form.format("sesame")
    for given, environment in (({option.name: value}, {}), ({}, {option.variable: value})):
        try:
            shown = repr(settings_from(given, environment))
        except UsageError as wrong:
            shown = "".join(traceback.format_exception(wrong))
        assert "sesame" not in shown


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://ppl:sesame@hush@127.0.0.1:1/ppl",
        "postgresql://ppl:sesame/hush@127.0.0.1:1/ppl",
        "postgresql://ppl:sesame/@hush:1/ppl",
        "postgresql://ppl:12345/hush@127.0.0.1:1/ppl",
        "postgresql://ppl:@hush@127.0.0.1/ppl",
        "postgresql://ppl@sesame:hush@127.0.0.1/ppl",
        "postgresql://ppl:sesame@a:1,hush@b:2/ppl",
        "postgresql://ppl:sesame@@127.0.0.1/ppl",
        "postgresql://ppl:sesame%hush@127.0.0.1/ppl",
        "postgres://ppl:12345:hush/sesame@127.0.0.1/ppl",
        "postgresql://ppl@127.0.0.1:hush/ppl",
        "postgresql://ppl@127.0.0.1:70000/ppl",
    ],
)
def test_a_password_that_is_not_encoded_is_refused_and_no_part_of_it_is_shown(dsn: str) -> None:
    with pytest.raises(UsageError, match=r"a password with @ / : \? # % must be percent-encoded") as wrong:
        settings_from({"database": dsn}, {})
    with pytest.raises(StoreUnsuitable, match="must be percent-encoded") as described:
        describe(dsn)
    shown = "".join(traceback.format_exception(wrong.value) + traceback.format_exception(described.value))
    said = f"{wrong.value} {described.value}"
    assert not [part for part in ("sesame", "hush") if part in shown]
    assert not [part for part in ("12345", "127.0.0.1", "70000") if part in said]


@pytest.mark.parametrize(
    ("dsn", "where"),
    [
        ("postgresql://ppl:ses%40me%2Fhush@db:5433/ppl", "db:5433"),
        ("postgresql://ppl:sesame?hush@db/ppl", "db"),
        ("postgresql://ppl:sesame#hush:x@db/ppl", "db"),
        ("postgresql://ppl:sesame@a:1,b:2/ppl?target_session_attrs=primary", "a,b:1,2"),
        ("postgresql://ppl:sesame@a,b:2/ppl", "a,b:,2"),
        ("postgresql://ppl:sesame@[::1]:5433/ppl", "::1:5433"),
        ("host=fe80::1%eth0 password=ses@me", "fe80::1%eth0"),
        ("postgresql://ppl@%2Frun%2Fpostgresql/ppl", "/run/postgresql"),
        ("postgresql:///ppl?host=/run/postgresql&port=5433&user=ppl@tenant", "/run/postgresql"),
        ("postgresql:///ppl?host=@abstract", "@abstract"),
        ("host=/srv/a@b dbname=x@y password='ses@me/hush'", "/srv/a@b"),
        ("postgresql:///a%40b", "the local socket"),
    ],
)
def test_what_libpq_takes_as_it_is_meant_is_taken(dsn: str, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGHOST", raising=False)
    assert settings_from({"database": dsn}, {}).database == dsn
    assert describe(dsn) == where


def test_a_dsn_is_not_shown_among_the_settings() -> None:
    assert "sesame" not in repr(default_settings(database="postgresql://ppl:sesame@db/ppl"))


def test_a_variable_that_is_no_option_is_named_with_what_may_be_meant() -> None:
    environment = {"PPL_RETENTION_DAY": "30", "PPL_SOMETHING": "1", "PPL_PORTS": "1-2", "PATH": "/", "PPL_TEST_X": ""}
    assert unknown_variables(environment) == [
        "PPL_RETENTION_DAY is not an option of Ppl and is ignored; did you mean PPL_RETENTION_DAYS?",
        "PPL_SOMETHING is not an option of Ppl and is ignored",
    ]


def test_the_version_is_that_of_ppl(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        Options().parseOptions(["--version"])
    assert capsys.readouterr().out.startswith(f"Ppl {version()} (Twisted ")
    assert version()[0].isdigit()
