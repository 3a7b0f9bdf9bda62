"""What an installation may not be run with."""

import secrets
from typing import Any

import pytest

from crontopus_api.settings import Settings, SettingsError, get_settings, refuse_weak_secrets

RANDOM = secrets.token_hex(32)


@pytest.fixture(autouse=True)
def _read_anew() -> None:
    get_settings.cache_clear()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("secret_key", "short"),
        ("secret_key", "change-me-change-me-change-me-change-me"),
        ("secret_key", "a" * 64),
        ("secret_key", "0123456789abcdef0123456789abcdef"),
        ("secret_key", "my-Secret_Key-for-testing-12345678"),
        ("database_url", "postgresql://crontopus:crontopus@db/crontopus"),
        ("database_url", "postgresql://crontopus:short@db/crontopus"),
        ("database_direct_url", "postgresql://crontopus:p%61ssword-1234@db/crontopus"),
        ("redis_url", "redis://:changeme123@valkey:6379/0"),
        ("forgejo_token", "generate"),
    ],
)
def test_samples_and_simple_secrets_are_refused_in_production(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv("CRONTOPUS_ENVIRONMENT", "production")
    monkeypatch.setenv(f"CRONTOPUS_{name.upper()}", value)
    with pytest.raises(SettingsError, match=f"CRONTOPUS_{name.upper()}: ") as refused:
        get_settings()
    assert value not in str(refused.value)
    get_settings.cache_clear()
    monkeypatch.setenv("CRONTOPUS_ENVIRONMENT", "development")
    get_settings()


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"secret_key": RANDOM, "database_url": f"postgresql://crontopus:{RANDOM}@db/crontopus"},
        {
            "database_url": "postgresql:///crontopus?host=/run/postgresql",
            "redis_url": "redis://valkey:6379/0",
        },
    ],
)
def test_random_secrets_and_none_are_taken(given: dict[str, Any]) -> None:
    refuse_weak_secrets(Settings(environment="production", **given))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRUSTED_PROXIES", "10.0.0.0/8, nonsense"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "https://app.example/path"),
        ("API_LIMIT", "many"),
        ("OUTBOUND_ALLOW", "localhost"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"CRONTOPUS_{name}", value)
    with pytest.raises(SettingsError, match=f"CRONTOPUS_{name}: "):
        get_settings()


def test_lists_are_read_as_people_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRONTOPUS_TRUSTED_PROXIES", "10.0.0.0/8, 2001:db8::/32,192.0.2.7")
    monkeypatch.setenv("CRONTOPUS_CORS_ORIGINS", "https://a.example, http://localhost:5173")
    settings = get_settings()
    assert [str(each) for each in settings.trusted_proxies] == ["10.0.0.0/8", "2001:db8::/32", "192.0.2.7/32"]
    assert settings.cors_origins == ("https://a.example", "http://localhost:5173")
