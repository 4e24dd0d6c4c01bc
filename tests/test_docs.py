"""What the documents say is so: tables match the code, links lead somewhere, recipes work."""

from __future__ import annotations

import importlib
import re
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import ModuleType

import pytest

import ai_client.providers
import ai_client.wire
from ai_client import errors
from ai_client.addresses import AllowList
from ai_client.ask import Ask, Limits
from ai_client.endpoints import endpoint, upstream_headers
from ai_client.events import Event, PartDelta
from ai_client.exchange import Answer
from ai_client.health import Health
from ai_client.messages import GenerationRequest, GenerativeAiResult, user_message
from ai_client.providers import Provider, scan
from ai_client.router import Route
from ai_client.session import Session
from ai_client.simulator.server import Simulator
from ai_client.snapshot import ConnectionConfig
from ai_client.sse import Decoder
from ai_client.transport import run
from ai_client.transport.guard import Guard
from ai_client.transport.sync_engine import HttpxEngine
from ai_client.wire import ClientFace, GatewayFace, Target, client_face, wire_formats
from tests.source_tree import ROOT

DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.MULTILINE | re.DOTALL
COMMAND_FOLDERS = ("connectors/management/commands", "ai_client/management/commands")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def table_rows(text: str) -> list[list[str]]:
    """The cells of all table rows, heads and rules left out."""
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows if set(row[0].strip()) - set("-: ")]


def recipe(name: str) -> str:
    """The code block of CONTRIBUTING.md that is to become the file ``name``."""
    found = re.search(
        rf"^```python file={re.escape(name)}\n(.*?)^```",
        read("CONTRIBUTING.md"),
        re.MULTILINE | re.DOTALL,
    )
    assert found, f"CONTRIBUTING.md has no recipe for {name}."
    return found[1]


def error_classes(base: type[errors.AiClientError]) -> Iterator[type[errors.AiClientError]]:
    yield base
    for each in base.__subclasses__():
        if each.__module__.startswith(f"{errors.__name__}."):
            yield from error_classes(each)


@pytest.mark.parametrize(
    "kind", list(error_classes(errors.AiClientError)), ids=lambda kind: kind.__name__
)
def test_each_error_is_explained_with_its_code_status_and_consequence(
    kind: type[errors.AiClientError],
) -> None:
    rows = [row for row in table_rows(read("docs/errors.md")) if row[2] == kind.__name__]
    assert len(rows) == 1, f"docs/errors.md has {len(rows)} rows for {kind.__name__}."
    code, status, _, next_connection, _, what_to_do = rows[0]
    assert code == f"`{kind.code}`"
    assert status == str(kind.status)
    assert next_connection == ("yes" if kind.retryable else "no")
    assert what_to_do


def test_no_error_is_explained_that_does_not_exist() -> None:
    explained = {row[2] for row in table_rows(read("docs/errors.md"))} - {"Class"}
    assert explained == {kind.__name__ for kind in error_classes(errors.AiClientError)}


def test_the_readme_lists_each_variable_that_the_site_reads() -> None:
    read_by_site = set(re.findall(r"env(?:\.\w+)?\(\s*\"(\w+)\"", read("koneek_site/settings.py")))
    configuration = read("README.md").partition("## Configuration")[2].partition("\n## ")[0]
    assert {row[0].strip("`") for row in table_rows(configuration)} - {"Variable"} == read_by_site


def test_the_readme_lists_each_command() -> None:
    commands = {
        path.stem for folder in COMMAND_FOLDERS for path in (ROOT / folder).glob("[!_]*.py")
    }
    listed = read("README.md").partition("## Commands")[2].partition("\n## ")[0]
    named = {row[0].strip("`").split()[0] for row in table_rows(listed)} - {"Command"}
    assert named == commands


def test_the_readme_lists_each_provider() -> None:
    sentence = re.search(r"`provider` is (.*?)\.", read("README.md"), re.DOTALL)
    assert sentence
    named = set(re.split(r",\s+|\s+or\s+", sentence[1]))
    assert named == {provider.slug for provider in scan(ai_client.providers)}


def test_make_targets_in_the_documents_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    named = {
        target
        for document in DOCUMENTS
        for target in re.findall(r"(?:`|^    )make ([a-z-]+)", document.read_text(), re.MULTILINE)
    }
    assert named
    assert named <= targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files_that_exist(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_python_in_the_documents_compiles(document: Path) -> None:
    for code in re.findall(r"^```python.*?\n(.*?)^```", document.read_text(), BLOCK):
        compile(code, str(document), "exec")


def test_decisions_are_numbered_and_short() -> None:
    decisions = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert [path.name[:4] for path in decisions] == [
        f"{number:04}" for number in range(1, len(decisions) + 1)
    ]
    assert [path.name for path in decisions if len(path.read_text().splitlines()) > 30] == []


@contextmanager
def recipe_beside(package: ModuleType, folder: Path, name: str) -> Iterator[None]:
    """The recipe for the module ``name`` of ``package``, as a file where its scan finds it."""
    path = package.__name__.replace(".", "/")
    (folder / f"{name}.py").write_text(recipe(f"{path}/{name}.py"), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(package, "__path__", [*package.__path__, str(folder)])
        importlib.invalidate_caches()
        yield
    del sys.modules[f"{package.__name__}.{name}"]


@pytest.fixture
def parrot(tmp_path: Path) -> Iterator[Provider]:
    """The recipe's provider, found because its file lies beside the others."""
    with recipe_beside(ai_client.providers, tmp_path, "parrot"):
        (found,) = (each for each in scan(ai_client.providers) if each.slug == "parrot")
        yield found


def test_the_provider_recipe_makes_requests_of_one_file(parrot: Provider) -> None:
    connection = ConnectionConfig(
        id="1",
        name="parrot",
        provider=parrot,
        model=parrot.default_model,
        base_url=parrot.base_url or "",
        api_key="the-key",
    )
    request = client_face(parrot.wire).render_request(
        GenerationRequest((user_message("Hello"),)), Target(parrot.default_model, parrot.name)
    )
    assert endpoint(connection, request) == "https://api.parrot.example/v1/chat/completions"
    assert upstream_headers(connection, request)["x-parrot-key"] == "the-key"
    assert request.body["model"] == "grey-1"


def test_the_provider_recipe_answers_over_a_real_socket(
    parrot: Provider, simulator: Simulator
) -> None:
    address = f"127.0.0.1:{simulator.port}"
    connection = ConnectionConfig(
        id="1",
        name="parrot",
        provider=parrot,
        model=parrot.default_model,
        base_url=f"http://{address}",
        api_key="the-key",
    )
    simulator.clear()
    engine = HttpxEngine(Guard(lambda: AllowList.parse([address])))
    ask = Ask(stream=False, request=GenerationRequest((user_message("Hello"),)))
    route = Route(connection, connection.model)
    session = Session(ask, (route,), Health(lambda: 0.0), time.monotonic, Limits())
    with closing(engine), closing(run(session, engine)) as outputs:
        answer = next(outputs)
    assert isinstance(answer, Answer)
    assert isinstance(answer.result, GenerativeAiResult)
    assert answer.result.to_text() == "Echo: Hello"
    (received,) = simulator.requests
    assert received.headers["x-parrot-key"] == "the-key"


@pytest.fixture
def speech(tmp_path: Path) -> Iterator[ClientFace]:
    """The recipe's wire format, found because its file lies beside the others."""
    with recipe_beside(ai_client.wire, tmp_path, "parrot_speech"):
        wire_formats.cache_clear()
        yield client_face("parrot_speech")
    wire_formats.cache_clear()
    client_face.cache_clear()


def test_the_wire_recipe_speaks_its_dialect(speech: ClientFace) -> None:
    request = GenerationRequest((user_message("Hello"),), stream=True)
    rendered = speech.render_request(request, Target("grey-1", "Parrot"))
    assert rendered.body == {"voice": "grey-1", "say": "Hello", "stream": True}

    assert speech.parse_response(b'{"said": "Hello Hello"}').to_text() == "Hello Hello"
    assert isinstance(speech.parse_error(429, {"retry-after": "7"}, b"hush"), errors.RateLimited)

    parser = speech.StreamParser()
    pieces: list[Event] = []
    for event in Decoder().feed(
        b'data: {"said": "Hel"}\n\ndata: {"said": "lo"}\n\nevent: over\n\n'
    ):
        pieces += parser.feed(event)
    assert "".join(each.text for each in pieces if isinstance(each, PartDelta)) == "Hello"


def test_the_wire_recipe_never_passes_off_half_an_answer(speech: ClientFace) -> None:
    parser = speech.StreamParser()
    for event in Decoder().feed(b'data: {"said": "Hel"}\n\n'):
        parser.feed(event)
    with pytest.raises(errors.StreamTruncated):
        parser.close()


def test_the_wire_recipe_names_everything_that_a_format_owes() -> None:
    section = read("CONTRIBUTING.md").partition("## Add a wire format")[2]
    owed = {
        name
        for face in (ClientFace, GatewayFace)
        for name in vars(face)
        if not name.startswith("_")
    }
    assert [name for name in sorted(owed) if f"`{name}`" not in section] == []
