"""Settings: one typed class, from ``jingui.toml`` in the home, overridden by ``JINGUI_…`` environment variables."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Final, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource
from pydantic_settings.exceptions import SettingsError

from repository.errors import HomeUnusable
from repository.findings import N_
from repository.permissions import Role

SETTINGS_FILE = "jingui.toml"


class StoreSettings(BaseModel):
    """One place where copies are kept: a folder, or a bucket of an object service that speaks S3."""

    # what is wrong is told without the value: it may be a key to somebody's storage
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$", description="short name, used in commands and the catalogue")
    kind: Literal["folder", "s3"] = Field(default="folder", description="how it is reached")
    priority: int = Field(default=100, description="lower is read first")
    read_only: bool = Field(default=False, description="no new copies are written there")
    technology: str = Field(default="", description="for people: what it is made of (disk array, tape, object service)")
    place: str = Field(default="", description="for people: where it stands")

    location: str = Field(default="", description="folder: relative to the home unless absolute")

    bucket: str = Field(default="", pattern=r"^([a-zA-Z0-9][a-zA-Z0-9._-]{1,253}[a-zA-Z0-9])?$", description="s3: name of the bucket")
    prefix: str = Field(default="", description="s3: keys begin with this; empty for the whole bucket")
    endpoint: str = Field(
        default="", pattern=r"^(https?://[^\s/?#@]+(/[^\s?#]*)?)?$", description="s3: address of the service; empty: Amazon's"
    )
    region: str = Field(default="", description="s3: region; empty: that of the environment")
    access_key: str = Field(default="", repr=False, description="s3: who asks; empty: what the environment or the machine's role gives")
    secret_key: str = Field(default="", repr=False, description="s3: the key to it")
    addressing: Literal["path", "virtual"] = Field(default="path", description="s3: https://host/bucket/key or https://bucket.host/key")
    checksums: Literal["when_required", "when_supported"] = Field(
        default="when_required", description="s3: whether checksums are sent that some services refuse"
    )
    conditional_writes: bool = Field(default=False, description="s3: new keys are written on the condition that they are new")
    connections: int = Field(default=8, ge=1, le=64, description="s3: requests at once")
    part_mib: int = Field(default=16, ge=5, le=5_120, description="s3: larger files are uploaded in parts of so many MiB")
    most_parts: int = Field(default=10_000, ge=100, le=10_000, description="s3: parts of one file that the service takes")

    @field_validator("prefix")
    @classmethod
    def _plain_prefix(cls, prefix: str) -> str:
        plain = prefix.strip("/")
        if any(part in ("", ".", "..") for part in plain.split("/")) and plain:
            raise ValueError("a prefix has no part that is empty, “.” or “..”")
        return plain

    @model_validator(mode="after")
    def _of_its_kind(self) -> Self:
        """Says what lacks, and what belongs to the other kind."""
        of_folder, of_s3 = {"location"}, _OF_S3
        needed, foreign = ("location", of_s3) if self.kind == "folder" else ("bucket", of_folder)
        if not getattr(self, needed):
            raise ValueError(f"store {self.name}: a store of kind {self.kind} needs a {needed}")
        if found := sorted(foreign & self.model_fields_set):
            raise ValueError(f"store {self.name}: a store of kind {self.kind} has no {', '.join(found)}")
        if bool(self.access_key) != bool(self.secret_key):
            raise ValueError(f"store {self.name}: access_key and secret_key go together")
        return self

    @property
    def address(self) -> str:
        """What tells it from other stores; one of which begins with another's and a slash lies inside it."""
        if self.kind == "folder":
            return self.location
        return "/".join(part for part in (self.endpoint.rstrip("/") or "s3:/", self.bucket, self.prefix) if part)


_OF_S3: Final = frozenset(
    {
        "bucket",
        "prefix",
        "endpoint",
        "region",
        "access_key",
        "secret_key",
        "addressing",
        "checksums",
        "conditional_writes",
        "connections",
        "part_mib",
        "most_parts",
    }
)


class UnpackLimits(BaseModel):
    """What a package may at most ask of us before it counts as an attack (zip bombs and their kin)."""

    model_config = ConfigDict(extra="forbid")

    entries: int = Field(default=1_000_000, gt=0, description="files and folders in one package")
    ratio: float = Field(default=200.0, gt=1, description="unpacked bytes for one packed byte, over the whole package")
    depth: int = Field(default=64, gt=0, description="folders inside folders")
    total_bytes: int = Field(default=4 * 1024**4, gt=0, description="unpacked bytes in one package")


class AccountSettings(BaseModel):
    """Passwords, lockout and sessions (GB/T 22239-2019, 8.1.4.1 identity authentication; docs/operating.md says how to raise them)."""

    model_config = ConfigDict(extra="forbid")

    password_length: int = Field(default=12, ge=8, le=128, description="fewest characters of a password")
    password_classes: int = Field(
        default=2, ge=1, le=4, description="fewest kinds of characters: capital letters, small letters, digits, anything else"
    )
    password_history: int = Field(
        default=5, ge=1, le=24, description="so many latest passwords, the present one among them, cannot be used again"
    )
    password_days: int = Field(default=90, ge=0, description="days after which a password must be changed; 0: never")
    failed_logins: int = Field(default=5, ge=1, le=100, description="wrong attempts in a row after which an account is locked")
    lockout_minutes: int = Field(default=15, ge=1, description="for so long")
    address_failures: int = Field(
        default=50, ge=1, description="wrong attempts from one address, within the lockout time, after which it must wait"
    )
    idle_minutes: int = Field(default=30, ge=1, description="a session ends when nothing was asked for so long")
    session_hours: int = Field(default=8, ge=1, description="a session ends after so long in any case")
    fresh_minutes: int = Field(default=15, ge=1, description="for so long after a proof of identity dangerous acts need no new one")
    two_factor_required_roles: list[Role] = Field(
        default_factory=list, description="who holds one of these roles sets up a second factor before anything else"
    )


class ProviderSettings(BaseModel):
    """An identity provider that people can log in with (OpenID Connect Core 1.0, Discovery 1.0)."""

    model_config = ConfigDict(extra="forbid")

    issuer: str = Field(pattern=r"^https?://\S+$", description="its address, as its tokens name it")
    client_id: str = Field(min_length=1)
    client_secret: str = Field(default="", repr=False, description="empty for a public client")
    scopes: list[str] = Field(default_factory=lambda: ["openid", "profile", "email"])
    name_claim: str = Field(default="preferred_username", description="names a new account")
    roles_claim: str = Field(default="", description="tells roles or groups; empty: roles are given here only")
    roles: dict[str, list[Role]] = Field(default_factory=dict, description="what a value of that claim means here")
    create_accounts: bool = Field(default=False, description="whether somebody unknown gets an account, if the claims give a role")
    label: str = Field(default="", description="what the button of the login page says")

    @field_validator("issuer")
    @classmethod
    def _safe_address(cls, address: str) -> str:
        parts = urlsplit(address)
        if parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
            raise ValueError("the address of the identity provider begins with https://")
        return address


class MailSettings(BaseModel):
    """The server that takes mail; without one nothing is mailed."""

    model_config = ConfigDict(extra="forbid")

    host: str = Field(default="", description="name or address of the mail server; empty: no mail")
    port: int = Field(default=25, ge=1, le=65535)
    security: Literal["none", "starttls", "tls"] = Field(default="none", description="how the connection is protected")
    user: str = Field(default="", description="log in at the mail server with this name; empty: without")
    password: str = Field(default="", repr=False)
    sender: str = Field(default="", description="address that mail comes from; needed with a host")
    digest_hour: int = Field(default=7, ge=0, le=23, description="hour of the day, in the archive's time zone, of the daily digest")


class Settings(BaseSettings):
    """Everything that can be set. Unknown names in the file are an error, so that a typing mistake is not a silent default."""

    model_config = SettingsConfigDict(env_prefix="JINGUI_", env_nested_delimiter="__", extra="forbid")

    home: Path = Field(description="the repository home; set by who opens it")
    archive_name: str = Field(default="Jingui", description="name of the archive, in pages, receipts and METS")
    archive_code: str = Field(default="", description="code of the archive (档案馆代码)")
    database_url: str = Field(default="", description="SQLAlchemy address; empty: SQLite in the home")
    stores: list[StoreSettings] = Field(
        default_factory=lambda: [
            StoreSettings(name="a", location="stores/a", priority=10),
            StoreSettings(name="b", location="stores/b", priority=20),
        ]
    )
    copies_required: int = Field(default=2, ge=1, description="verified copies before a record counts as stored")
    durable_writes: bool = Field(default=True, description="fsync files and folders of stores before they count as written")
    conditional_listed: bool = Field(
        default=True, description="whether readers learn that a record exists that is shared under conditions (有条件共享)"
    )
    request_contact: str = Field(default="", description="whom readers ask for records they may not read: office, telephone, address")
    search_engine: Literal["whoosh", "database"] = "whoosh"
    workers: int = Field(default=1, ge=0, le=64, description="worker processes that `serve` starts")
    broker_url: str = Field(
        default="", description="Redis or RabbitMQ that brings jobs to many machines; empty: workers look into the table"
    )
    lease_seconds: int = Field(default=60, ge=5, description="a worker silent for longer has lost its job")
    unpack: UnpackLimits = Field(default_factory=UnpackLimits)
    audit_ttl_days: int = Field(default=90, ge=1, description="days after which a copy that nobody re-read is overdue for an audit")
    audit_bytes_per_hour: int = Field(
        default=200 * 1024**3, ge=1, description="bytes that the timetable has re-read in one store in an hour at most"
    )
    repair_breaker_percent: int = Field(
        default=10,
        ge=0,
        le=100,
        description="when more of a store's copies than this are bad, and at least 3, nothing in it is repaired before a person has looked",
    )
    identification_engine: Literal["pronom", "fido"] = "pronom"
    language: Literal["zh_Hans_CN", "en"] = Field(default="zh_Hans_CN", description="language of pages for those who chose none")
    time_zone: str = Field(default="Asia/Shanghai", description="time zone of pages and reports (IANA name)")
    secret_key: str = Field(default="", description="signs sessions; empty: made once and kept in the home")
    token_days_most: int = Field(default=366, ge=1, le=3660, description="days for which an API token may at most be valid")
    rate_limit: str = Field(
        default="600 per minute",
        pattern=r"^[1-9][0-9]{0,8} per (second|minute|hour|day)$",
        description="requests to the API that one person, or one address without a token, may make",
    )
    rate_limit_storage: str = Field(
        default="memory://", pattern=r"^(memory|rediss?)://", description="where they are counted; Redis where several machines answer"
    )
    totp_key: str = Field(default="", description="encrypts second factors; empty: made once and kept in the home")
    base_url: str = Field(
        default="", pattern=r"^(https?://[^\s/]+(/\S*)?)?$", description="address of the console, for links that leave it"
    )
    mail: MailSettings = Field(default_factory=MailSettings)
    webhook_private_addresses: bool = Field(
        default=False, description="whether webhooks may lead to private addresses of the own network, there also without TLS"
    )
    proxies: int = Field(
        default=0, ge=0, le=9, description="web servers in front, each of which sets X-Forwarded-For, -Proto and -Host; 0: none is believed"
    )
    accounts: AccountSettings = Field(default_factory=AccountSettings)
    oidc: ProviderSettings | None = Field(default=None, description="an identity provider to log in with")
    upload_limit_bytes: int = Field(default=20 * 1024**3, gt=0, description="bytes of one package that comes by upload")
    upload_limit_files: int = Field(default=100_000, gt=0, description="files of one package that comes by upload")
    upload_keep_hours: int = Field(default=72, ge=1, description="an unfinished upload to which nothing more comes is removed after this")

    preview_cache_bytes: int = Field(default=4 * 1024**3, ge=0, description="room for previews; those not looked at for longest go first")
    preview_patience_seconds: float = Field(
        default=8, ge=1, le=120, description="a page waits so long for a preview; what takes longer is left to a worker"
    )
    preview_seconds: int = Field(default=300, ge=5, le=7200, description="a preview that takes longer to make is given up")
    preview_watermark: Literal["none", "viewers", "everybody"] = Field(
        default="viewers", description="whose page images bear name and time: nobody's, those of who may not have the file, everybody's"
    )

    @field_validator("stores")
    @classmethod
    def _each_store_once(cls, stores: list[StoreSettings]) -> list[StoreSettings]:
        for what, attribute in (("name", "name"), ("location", "address")):
            values = [getattr(store, attribute) for store in stores]
            repeated = sorted({value for value in values if values.count(value) > 1})
            if repeated:
                raise ValueError(f"two stores have the same {what}: {', '.join(repeated)}")
        buckets = [store for store in stores if store.kind == "s3"]
        for store in buckets:
            for other in buckets:
                if other.address.startswith(f"{store.address}/"):
                    raise ValueError(f"store {other.name} lies inside store {store.name}: give each a prefix of its own")
        if not stores:
            raise ValueError("at least one store is needed")
        return stores

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, address: str) -> str:
        backend, separator, rest = address.partition("://")
        if address and not (separator and rest and backend.partition("+")[0] in ("sqlite", "postgresql")):
            raise ValueError("the address of the catalogue begins with sqlite:/// or postgresql://")
        return address

    @field_validator("broker_url")
    @classmethod
    def _known_broker(cls, address: str) -> str:
        scheme, separator, rest = address.partition("://")
        if address and not (separator and rest and scheme in ("redis", "rediss", "amqp", "amqps")):
            raise ValueError("the address of the broker begins with redis://, rediss://, amqp:// or amqps://")
        return address

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"unknown time zone: {name}") from error
        return name

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments over environment over file."""
        home = init_settings().get("home")
        sources: list[PydanticBaseSettingsSource] = [init_settings, env_settings]
        if home is not None:
            sources.append(TomlConfigSettingsSource(settings_cls, toml_file=Path(home) / SETTINGS_FILE))
        return tuple(sources)

    def under_home(self, *parts: str) -> Path:
        """A path below the home; an absolute part stands for itself."""
        return self.home.joinpath(*parts)

    @property
    def database_address(self) -> str:
        """The SQLAlchemy address in force."""
        return self.database_url or f"sqlite:///{self.under_home('catalogue.sqlite')}"


def load_settings(home: Path) -> Settings:
    """The settings of a home.

    Raises:
        HomeUnusable: the file cannot be read, or a value in it or in the environment cannot be; all of them are named.
    """
    file = home / SETTINGS_FILE
    try:
        return Settings(home=home)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(str(part) for part in item['loc']) or '-'}: {item['msg']}" for item in error.errors())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError, SettingsError) as error:
        problems = str(error)
    raise HomeUnusable(
        N_("The settings in {subject} cannot be used: {problems}."),
        subject=str(file),
        remedy=N_("Correct the file, or the environment variable JINGUI_… of that name."),
        problems=problems,
    )


def home_from_environment() -> Path:
    """``$JINGUI_HOME``, or ``jingui-home`` in the current folder."""
    return Path(os.environ.get("JINGUI_HOME") or "jingui-home").absolute()
