"""MIME types: which are well formed, which belong to which file name extension.

The tables are those of the PHP AI Client.
"""

from __future__ import annotations

import re

from ai_client.errors import InvalidArgument

_NAME = r"[a-zA-Z0-9][a-zA-Z0-9!#$&\-\^_+.]*"
PATTERN = rf"^{_NAME}\/(?:\*|{_NAME})(?:;\s*[^;=\s]+=[^;]*)*$"
"""Type and subtype as https://www.rfc-editor.org/rfc/rfc6838#section-4.2 has them.

Parameters are kept (``audio/l16;rate=24000`` is unreadable without); ``image/*`` is a remote file
of which the family alone is known.
"""

_WELL_FORMED = re.compile(PATTERN.removeprefix("^").removesuffix("$"))

BY_EXTENSION = {
    "txt": "text/plain",
    "html": "text/html",
    "htm": "text/html",
    "css": "text/css",
    "js": "application/javascript",
    "json": "application/json",
    "xml": "application/xml",
    "csv": "text/csv",
    "md": "text/markdown",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "bmp": "image/bmp",
    "webp": "image/webp",
    "svg": "image/svg+xml",
    "ico": "image/x-icon",
    "pdf": "application/pdf",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ppt": "application/vnd.ms-powerpoint",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "zip": "application/zip",
    "tar": "application/x-tar",
    "gz": "application/gzip",
    "rar": "application/x-rar-compressed",
    "7z": "application/x-7z-compressed",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "ogg": "audio/ogg",
    "flac": "audio/flac",
    "m4a": "audio/m4a",
    "aac": "audio/aac",
    "mp4": "video/mp4",
    "avi": "video/x-msvideo",
    "mov": "video/quicktime",
    "wmv": "video/x-ms-wmv",
    "flv": "video/x-flv",
    "webm": "video/webm",
    "mkv": "video/x-matroska",
    "ttf": "font/ttf",
    "otf": "font/otf",
    "woff": "font/woff",
    "woff2": "font/woff2",
    "php": "application/x-httpd-php",
    "sh": "application/x-sh",
    "exe": "application/x-msdownload",
}

EXTENSIONS = {mime: extension for extension, mime in reversed(BY_EXTENSION.items())} | {
    "image/jpeg": "jpg",
    "text/html": "html",
}

DOCUMENTS = frozenset(
    BY_EXTENSION[extension]
    for extension in ("pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "odt", "ods")
)


def checked(mime_type: object) -> str:
    """``mime_type`` with type and subtype in lower case; InvalidArgument if it is none."""
    if not isinstance(mime_type, str) or not _WELL_FORMED.fullmatch(mime_type):
        raise InvalidArgument(
            f"{mime_type!r} is no MIME type; one is like 'image/png'.", param="mime_type"
        )
    return lowered(mime_type)


def lowered(mime_type: str) -> str:
    """Type and subtype in lower case, parameters as they are."""
    kind, semicolon, parameters = mime_type.partition(";")
    return f"{kind.lower()}{semicolon}{parameters}"


def of_extension(extension: str) -> str:
    """The MIME type of files that end in ``extension`` (without a dot)."""
    try:
        return BY_EXTENSION[extension.lower()]
    except KeyError:
        raise InvalidArgument(
            f"No MIME type is known for the extension {extension!r}; give mime_type.",
            param="mime_type",
        ) from None


def extension_of(mime_type: str) -> str:
    """The usual extension, without a dot, of files of ``mime_type``."""
    kind = lowered(mime_type).partition(";")[0].rstrip()
    try:
        return EXTENSIONS[kind]
    except KeyError:
        raise InvalidArgument(
            f"No file name extension is known for {mime_type!r}.", param="mime_type"
        ) from None


def of_name(name: str) -> str:
    """The MIME type of a file of that name, by its extension."""
    return of_extension(name.rpartition(".")[2] if "." in name else "")
