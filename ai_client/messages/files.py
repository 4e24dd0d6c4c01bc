"""Files of a prompt or an answer."""

from __future__ import annotations

import base64
import binascii
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, Self, TypeAlias, runtime_checkable
from urllib.parse import urlsplit

from ai_client.capabilities import FileType, JsonValue
from ai_client.errors import InvalidArgument
from ai_client.messages import local_files, mime_types
from ai_client.messages.reading import JsonObject, fields, optional, string

_URL = re.compile(r"(?:https?|gs)://[^\s/?#]\S*", re.IGNORECASE)
_DATA_URI = re.compile(r"data:([^,]*);base64,", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_OCTETS = "application/octet-stream"
_MOST_SHOWN = 60
_NO_FILE = (
    "A file's text has to be a URL, a data URI, or base64 beside its mime_type, padded with '=' to "
    "a multiple of four characters. A local file is given as pathlib.Path."
)


@runtime_checkable
class ReadableFile(Protocol):
    """An open file, Django's ``FieldFile`` and ``UploadedFile`` among them."""

    def read(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class File:
    """An inline file (base64) or a remote one (URL). Exactly one of the two is set.

    The constructors below check more than this class does by itself, and find the MIME type
    where they can. A string is never taken for a local path.
    """

    mime_type: str
    base64_data: str | None = None
    url: str | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        if (self.base64_data is None) == (self.url is None):
            raise InvalidArgument("A file needs base64_data or url, and not both.", param="file")
        for name in ("mime_type", "base64_data", "url", "name"):
            value = getattr(self, name)
            if not isinstance(value, str) and (value is not None or name == "mime_type"):
                raise InvalidArgument(
                    f"{name} is a string, not {type(value).__name__}.", param=name
                )
        if not self.mime_type.islower():
            object.__setattr__(self, "mime_type", mime_types.lowered(self.mime_type))

    def __repr__(self) -> str:
        """With no more of the content than tells one file from another."""
        data, url = _shown(self.base64_data), self.url
        if url is not None and url[:5].lower() == "data:":
            url = _shown(url)
        return (
            f"{type(self).__name__}(mime_type={self.mime_type!r}, base64_data={data!r}, "
            f"url={url!r}, name={self.name!r})"
        )

    @classmethod
    def of(cls, value: FileSource, mime_type: str | None = None) -> File:
        """The file that ``value`` is or names.

        A ``str`` is a URL, a data URI, or base64 if ``mime_type`` says of what. A ``File`` has its
        MIME type already: InvalidArgument for another one.
        """
        if isinstance(value, File):
            if mime_type is not None and mime_types.checked(mime_type) != value.mime_type:
                raise InvalidArgument(
                    f"The File is {value.mime_type!r} already; make it with another MIME type "
                    "instead.",
                    param="mime_type",
                )
            return value
        if isinstance(value, str):
            file = cls._from_text(value, mime_type)
            if file.base64_data is not None and not _is_whole(file.base64_data):
                raise InvalidArgument(_NO_FILE, param="file")
            return file
        if isinstance(value, bytes | bytearray | memoryview):
            return cls.from_bytes(bytes(value), mime_type)
        if local_files.is_path(value):
            return cls.from_path(value, mime_type)
        if isinstance(value, ReadableFile):
            return cls.from_readable(value, mime_type)
        raise InvalidArgument(
            f"A {type(value).__name__} is no file; give a path object, bytes, a URL, a data URI "
            "or an open file.",
            param="file",
        )

    @classmethod
    def from_path(cls, path: local_files.LocalPath, mime_type: str | None = None) -> Self:
        """A file of this machine, read now. Raises OSError where that fails.

        ``path`` is a ``pathlib.Path`` or another path object, never a string.
        """
        if not local_files.is_path(path):
            raise InvalidArgument("Make a pathlib.Path of the path to a local file.", param="path")
        name, data = local_files.read(path)
        return cls.from_bytes(data, mime_type, name)

    @classmethod
    def from_readable(cls, file: ReadableFile, mime_type: str | None = None) -> Self:
        """An open file: what Django's forms and models hold, say. Raises OSError as it does.

        It is read from its start; what cannot go back there, a pipe say, from where it is.
        """
        try:
            with suppress(OSError):
                if callable(seek := getattr(file, "seek", None)):
                    seek(0)
            data = file.read()
        except OSError:
            raise
        except ValueError as error:
            raise InvalidArgument(f"The file cannot be read: {error}", param="file") from error
        except Exception as error:
            # A storage has errors of its own, which may name folders of the server.
            raise InvalidArgument(
                f"The file cannot be read ({type(error).__name__}).", param="file"
            ) from error
        if not isinstance(data, bytes):
            raise InvalidArgument("The file is open as text; open it in mode 'rb'.", param="file")
        said = getattr(file, "name", None)
        name = said.replace("\\", "/").rpartition("/")[2] if isinstance(said, str) else ""
        content_type = getattr(file, "content_type", None)
        if mime_type is None and content_type and content_type != _OCTETS:
            mime_type = content_type
        return cls.from_bytes(data, mime_type, name or None)

    @classmethod
    def from_bytes(cls, data: bytes, mime_type: str | None = None, name: str | None = None) -> Self:
        """An inline file. Its MIME type is given, or that of the name's extension."""
        if not isinstance(data, bytes | bytearray | memoryview):
            raise InvalidArgument(f"data is bytes, not {type(data).__name__}.", param="data")
        mime_type = mime_types.of_name(name or "") if mime_type is None else mime_type
        encoded = base64.b64encode(data).decode()
        return cls(mime_types.checked(mime_type), encoded, name=name)

    @classmethod
    def from_base64(cls, data: str, mime_type: str, name: str | None = None) -> Self:
        """An inline file that is encoded already: standard base64, padded, without line breaks."""
        if not _BASE64.fullmatch(string(data, "data")) or not _is_whole(data):
            raise InvalidArgument(
                "The file is not base64: padded with '=' to a multiple of four characters, "
                "without line breaks.",
                param="data",
            )
        return cls(mime_types.checked(mime_type), data, name=name)

    @classmethod
    def from_data_uri(cls, uri: str, mime_type: str | None = None) -> Self:
        """An inline file from a ``data:`` URI in base64 (RFC 2397)."""
        found = _DATA_URI.match(string(uri, "uri"))
        if found is None:
            raise InvalidArgument(
                "A data URI has to be like 'data:image/png;base64,…'.", param="uri"
            )
        return cls.from_base64(uri[found.end() :], found[1] if mime_type is None else mime_type)

    @classmethod
    def from_url(cls, url: str, mime_type: str | None = None) -> Self:
        """A remote file. The upstream fetches it, nothing is opened here.

        Its MIME type is given, or that of the path's extension.
        """
        if not _URL.fullmatch(string(url, "url")):
            raise InvalidArgument(
                "A file's URL has to begin with https:// or http://.", param="url"
            )
        if mime_type is None:
            mime_type = mime_types.of_name(urlsplit(url).path.rpartition("/")[2])
        return cls(mime_types.checked(mime_type), url=url)

    @property
    def file_type(self) -> FileType:
        return FileType.INLINE if self.is_inline else FileType.REMOTE

    @property
    def is_inline(self) -> bool:
        return self.base64_data is not None

    @property
    def is_image(self) -> bool:
        return self.mime_type.startswith("image/")

    @property
    def is_audio(self) -> bool:
        return self.mime_type.startswith("audio/")

    @property
    def is_video(self) -> bool:
        return self.mime_type.startswith("video/")

    @property
    def is_text(self) -> bool:
        return self.mime_type.startswith("text/")

    @property
    def is_document(self) -> bool:
        """Whether it is of an office format or PDF."""
        return self.mime_type.partition(";")[0] in mime_types.DOCUMENTS

    def data_uri(self) -> str:
        """The inline file as ``data:`` URI (RFC 2397); a remote file has none."""
        if self.base64_data is None:
            raise InvalidArgument("A remote file has no data URI.", param="file")
        return f"data:{self.mime_type};base64,{self.base64_data}"

    def as_bytes(self) -> bytes:
        """The inline file's content; a remote file has to be fetched first."""
        if self.base64_data is None:
            raise InvalidArgument("A remote file's content is at its url.", param="file")
        try:
            return base64.b64decode(self.base64_data, validate=True)
        except binascii.Error as error:
            raise InvalidArgument(f"The file's base64 is damaged: {error}.", param="file") from None

    def to_dict(self) -> dict[str, JsonValue]:
        """As the PHP AI Client has it; ``name`` is there only if the file has one."""
        shown: dict[str, JsonValue] = {
            "fileType": self.file_type.value,
            "mimeType": self.mime_type,
        }
        shown |= {"base64Data": self.base64_data} if self.is_inline else {"url": self.url}
        return shown if self.name is None else shown | {"name": self.name}

    @classmethod
    def from_dict(cls, data: JsonObject) -> Self:
        """By what ``url`` or ``base64Data`` holds; the word in ``fileType`` decides nothing.

        Base64 without its padding is read here too, as the PHP AI Client does.
        Raises InvalidArgument, as every ``from_dict`` of this package, for another shape.
        """
        held = fields(data, cls.__name__, "fileType")
        mime_type = optional(held, "mimeType", string)
        source = optional(held, "url", string)
        if source is None:
            source = optional(held, "base64Data", string)
        if source is None:
            raise InvalidArgument("File lacks url or base64Data.", param="url")
        name = optional(held, "name", string)
        if mime_type == "" and _URL.fullmatch(source):
            # A provider's answer may point to a file without saying what is in it.
            return cls("", url=source, name=name)
        read = cls._from_text(source, mime_type)
        return cls(read.mime_type, read.base64_data, read.url, name)

    @staticmethod
    def json_schema() -> dict[str, JsonValue]:
        """The JSON schema of ``to_dict``, as everywhere in this package."""
        return {
            "type": "object",
            "oneOf": [
                _schema(FileType.REMOTE, "url", {"type": "string", "format": "uri"}),
                _schema(FileType.INLINE, "base64Data", {"type": "string"}),
            ],
        }

    @classmethod
    def _from_text(cls, text: str, mime_type: str | None) -> Self:
        if text[:5].lower() == "data:":
            return cls.from_data_uri(text, mime_type)
        if _URL.fullmatch(text):
            return cls.from_url(text, mime_type)
        if mime_type is not None and _BASE64.fullmatch(text):
            return cls(mime_types.checked(mime_type), text)
        raise InvalidArgument(_NO_FILE, param="file")


FileSource: TypeAlias = (
    File | str | bytes | bytearray | memoryview | local_files.LocalPath | ReadableFile
)


def _is_whole(data: str) -> bool:
    return len(data) % 4 == 0


def _shown(data: str | None) -> str | None:
    if data is None or len(data) <= _MOST_SHOWN:
        return data
    return f"{data[: _MOST_SHOWN // 2]}… ({len(data)} characters)"


def _schema(file_type: FileType, key: str, content: JsonObject) -> dict[str, JsonValue]:
    return {
        "properties": {
            "fileType": {"type": "string", "const": file_type.value},
            "mimeType": {"type": "string", "pattern": mime_types.PATTERN},
            key: dict(content),
            "name": {"type": "string"},
        },
        "required": ["fileType", "mimeType", key],
    }
