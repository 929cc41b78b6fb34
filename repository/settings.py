"""Settings: one typed class, from ``jingui.toml`` in the home, overridden by ``JINGUI_…`` environment variables."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource
from pydantic_settings.exceptions import SettingsError

from repository.errors import HomeUnusable
from repository.findings import N_

SETTINGS_FILE = "jingui.toml"


class StoreSettings(BaseModel):
    """One place where copies are kept.

    Args:
        name: short name, used in commands and the catalogue.
        kind: how it is reached.
        location: a folder, relative to the home unless absolute.
        priority: lower is read first.
        read_only: no new copies are written there.
    """

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$")
    kind: Literal["folder"] = "folder"
    location: str
    priority: int = 100
    read_only: bool = False


class UnpackLimits(BaseModel):
    """What a package may at most ask of us before it counts as an attack (zip bombs and their kin)."""

    model_config = ConfigDict(extra="forbid")

    entries: int = Field(default=1_000_000, gt=0, description="files and folders in one package")
    ratio: float = Field(default=200.0, gt=1, description="unpacked bytes for one packed byte, over the whole package")
    depth: int = Field(default=64, gt=0, description="folders inside folders")
    total_bytes: int = Field(default=4 * 1024**4, gt=0, description="unpacked bytes in one package")


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
    search_engine: Literal["whoosh", "database"] = "whoosh"
    workers: int = Field(default=1, ge=0, le=64, description="worker processes that `serve` starts")
    broker_url: str = Field(
        default="", description="Redis or RabbitMQ that brings jobs to many machines; empty: workers look into the table"
    )
    lease_seconds: int = Field(default=60, ge=5, description="a worker silent for longer has lost its job")
    unpack: UnpackLimits = Field(default_factory=UnpackLimits)
    audit_ttl_days: int = Field(default=90, ge=1, description="days after which a copy that nobody re-read is overdue for an audit")
    identification_engine: Literal["pronom", "fido"] = "pronom"
    language: Literal["zh_Hans_CN", "en"] = Field(default="zh_Hans_CN", description="language of pages for those who chose none")
    time_zone: str = Field(default="Asia/Shanghai", description="time zone of pages and reports (IANA name)")
    secret_key: str = Field(default="", description="signs sessions; empty: made once and kept in the home")
    upload_limit_bytes: int = Field(default=20 * 1024**3, gt=0)

    @field_validator("stores")
    @classmethod
    def _each_store_once(cls, stores: list[StoreSettings]) -> list[StoreSettings]:
        for what in ("name", "location"):
            values = [getattr(store, what) for store in stores]
            repeated = sorted({value for value in values if values.count(value) > 1})
            if repeated:
                raise ValueError(f"two stores have the same {what}: {', '.join(repeated)}")
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
