"""Files of a prompt, from all that a program may have them as."""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, InMemoryStorage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import FileField
from django.db.models.fields.files import FieldFile

from ai_client.capabilities import FileType
from ai_client.errors import InvalidArgument
from ai_client.messages import File
from tests.ai_client.vectors import Row, rows

PIXEL = b"\x89PNG\r\n\x1a\n"
ENCODED = base64.b64encode(PIXEL).decode()


@pytest.mark.parametrize(
    "row", rows("validation_errors", lambda asked: asked["op"] in ("file", "file_local"))
)
def test_files_as_php_takes_them(row: Row, tmp_path: Path) -> None:
    asked = row["input"]
    if asked["op"] == "file":
        with pytest.raises(InvalidArgument, match=r"pathlib\.Path"):
            File.of(asked["file"])
        return
    path = tmp_path / asked["fileName"]
    path.write_bytes(base64.b64decode(asked["contentBase64"]))
    written = File.from_path(path, asked["mimeType"]).to_dict()
    assert written == row["expected"]["file"] | {"name": asked["fileName"]}


class TestLocalFiles:
    def test_a_path_object_is_read(self, tmp_path: Path) -> None:
        path = tmp_path / "dot.PNG"
        path.write_bytes(PIXEL)
        assert File.of(path) == File("image/png", ENCODED, name="dot.PNG")
        assert File.of(path).as_bytes() == PIXEL

    def test_a_string_is_never_a_path(self, tmp_path: Path) -> None:
        path = tmp_path / "secret.txt"
        path.write_text("secret")
        for text in (str(path), path.as_uri(), f"php://filter/resource={path}", "secret"):
            with pytest.raises(InvalidArgument):
                File.of(text)
            with pytest.raises(InvalidArgument):
                File.from_dict({"fileType": "inline", "base64Data": text})
        with pytest.raises(InvalidArgument, match="Path"):
            File.from_path(str(path))  # type: ignore[arg-type]

    def test_base64_that_is_also_a_files_name_stays_base64(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "AAAA").write_text("secret")
        monkeypatch.chdir(tmp_path)
        assert File.of("AAAA", "text/plain").as_bytes() == b"\0\0\0"

    def test_a_missing_file_is_pythons_error(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            File.from_path(tmp_path / "none.png")

    def test_a_name_without_a_known_extension_needs_a_type(self, tmp_path: Path) -> None:
        (tmp_path / "README").write_bytes(b"x")
        with pytest.raises(InvalidArgument, match="give mime_type"):
            File.from_path(tmp_path / "README")
        assert File.from_path(tmp_path / "README", "text/plain").mime_type == "text/plain"


class TestOpenFiles:
    def test_an_upload_has_its_own_type(self) -> None:
        upload = SimpleUploadedFile("../a.bin", PIXEL, content_type="image/PNG")
        assert upload.read(3) == PIXEL[:3]
        assert File.of(upload) == File("image/png", ENCODED, name="a.bin")

    def test_an_upload_of_no_known_type_is_judged_by_its_name(self) -> None:
        upload = SimpleUploadedFile("a.png", PIXEL, content_type="application/octet-stream")
        assert File.of(upload).mime_type == "image/png"

    def test_a_models_file(self) -> None:
        field = FileField(storage=InMemoryStorage())
        name = field.storage.save("uploads/dot.png", ContentFile(PIXEL))
        owner: Any = SimpleNamespace()
        assert File.of(FieldFile(owner, field, name)) == File("image/png", ENCODED, name="dot.png")
        with pytest.raises(InvalidArgument, match="no file"):
            File.of(FieldFile(SimpleNamespace(), field, None))  # type: ignore[arg-type]

    def test_a_file_that_its_storage_refuses(self, tmp_path: Path) -> None:
        field = FileField(storage=FileSystemStorage(tmp_path / "media"))
        owner: Any = SimpleNamespace()
        with pytest.raises(InvalidArgument, match="SuspiciousFileOperation") as refused:
            File.of(FieldFile(owner, field, "../../secret.png"))
        assert refused.value.param == "file"
        assert str(tmp_path) not in refused.value.message
        with pytest.raises(FileNotFoundError):
            File.of(FieldFile(owner, field, "gone.png"))

    def test_a_pipe(self) -> None:
        reading, writing = os.pipe()
        os.write(writing, PIXEL)
        os.close(writing)
        with os.fdopen(reading, "rb") as opened:
            assert File.of(opened, "image/png").as_bytes() == PIXEL

    def test_a_closed_file(self, tmp_path: Path) -> None:
        (tmp_path / "dot.png").write_bytes(PIXEL)
        with (tmp_path / "dot.png").open("rb") as opened:
            pass
        with pytest.raises(InvalidArgument, match="closed"):
            File.of(opened)

    def test_a_file_that_a_program_opened(self, tmp_path: Path) -> None:
        path = tmp_path / "dot.png"
        path.write_bytes(PIXEL)
        with path.open("rb") as opened:
            assert File.of(opened) == File("image/png", ENCODED, name="dot.png")
        with path.open(encoding="latin-1") as text, pytest.raises(InvalidArgument, match="rb"):
            File.of(text)  # type: ignore[arg-type]
        assert File.of(io.BytesIO(PIXEL), "image/png") == File("image/png", ENCODED)


class TestBytes:
    @pytest.mark.parametrize("data", [PIXEL, bytearray(PIXEL), memoryview(PIXEL)])
    def test_bytes_need_a_type_or_a_name(self, data: bytes | bytearray | memoryview) -> None:
        assert File.of(data, "image/png") == File("image/png", ENCODED)
        assert File.from_bytes(bytes(data), name="a.png").mime_type == "image/png"
        with pytest.raises(InvalidArgument, match="mime_type"):
            File.of(data)

    def test_a_file_is_itself(self) -> None:
        file = File("image/png", ENCODED)
        assert File.of(file) is file

    @pytest.mark.parametrize("value", [None, 5, ["a"], object()])
    def test_other_things_are_refused(self, value: Any) -> None:
        with pytest.raises(InvalidArgument, match="is no file") as raised:
            File.of(value)
        assert raised.value.param == "file"


class TestText:
    def test_a_url_has_the_type_of_its_path(self) -> None:
        file = File.of("https://e.com/cat.JPG?size=2.png#x")
        assert file == File("image/jpeg", url="https://e.com/cat.JPG?size=2.png#x")
        assert file.file_type is FileType.REMOTE
        assert File.of("gs://bucket/a", "video/mp4").mime_type == "video/mp4"
        with pytest.raises(InvalidArgument, match="give mime_type"):
            File.of("https://e.com/cat")

    @pytest.mark.parametrize("url", ["ftp://e.com/a.png", "file:///a.png", "https://", "e.com/a"])
    def test_other_addresses_are_refused(self, url: str) -> None:
        with pytest.raises(InvalidArgument, match="URL"):
            File.from_url(url, "image/png")

    def test_a_data_uri(self) -> None:
        file = File.of(f"data:image/PNG;base64,{ENCODED}")
        assert file == File("image/png", ENCODED)
        assert File.of(file.data_uri()) == file
        for uri in ("data:image/png,abc", "data:image/png;base64,a b", "data:;base64,AAAA"):
            with pytest.raises(InvalidArgument):
                File.of(uri)
        assert File.from_data_uri("data:;base64,AAAA", "image/png").mime_type == "image/png"

    def test_what_is_not_there_is_said(self) -> None:
        remote = File("image/png", url="https://e.com/a")
        for ask in (remote.data_uri, remote.as_bytes, File("image/png", "A").as_bytes):
            with pytest.raises(InvalidArgument):
                ask()
        with pytest.raises(InvalidArgument):
            File("image/png")
        with pytest.raises(InvalidArgument):
            File("image/png", "AAAA", "https://e.com/a.png")

    def test_a_remote_file_of_which_nothing_is_known_comes_back(self) -> None:
        file = File("", url="https://e.com/a")
        assert File.from_dict(file.to_dict()) == file
