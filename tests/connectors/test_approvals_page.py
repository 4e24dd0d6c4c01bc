"""The page of approvals: alice decides, bob looks, charlie never gets in."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from connectors.approval_matrix import CALLERS_ON_A_PAGE
from connectors.approvals import Refusal, decide, record_refusals
from connectors.models import Approval
from connectors.registry import registry
from connectors.services import create_connection
from tests.connectors.conftest import ACME

pytestmark = pytest.mark.django_db

INDEX = "connectors_page:index"
APPROVALS = "connectors_page:approvals"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def alice(client: Client) -> Client:
    """May do everything."""
    client.force_login(User.objects.create_superuser("alice"))
    return client


@pytest.fixture
def bob(client: Client) -> Client:
    """Of the staff; may look at connections."""
    row = User.objects.create_user("bob", is_staff=True)
    row.user_permissions.set(Permission.objects.filter(codename="view_connection"))
    client.force_login(row)
    return client


def refuse(caller: str = "blog", connector: str = "acme", attempts: int = 1) -> None:
    """What is written down when a caller was refused a connector."""
    record_refusals([Refusal(caller, connector, attempts, NOON, NOON + timedelta(hours=1))])


def page(client: Client, query: str = "") -> str:
    response = client.get(reverse(APPROVALS) + query)
    assert response.status_code == 200
    return response.content.decode()


def cell(text: str, caller: str, connector: str) -> str:
    """The words in the cell, as they are read; without the hidden ones of its buttons."""
    row = text.partition(f'<tr data-caller="{caller}">')[2].partition("</tr>")[0]
    inside = row.partition(f'<td data-connector="{connector}"')[2].partition("</td>")[0]
    assert inside, f"There is no cell for {caller} and {connector}."
    visible = re.sub(r'<span class="visually-hidden">.*?</span>', "", inside.partition(">")[2])
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", visible)).split())


def press(client: Client, button: str, caller: str, connector: str, *, query: str = "") -> str:
    """The page after a button was pressed in the cell of an existing caller."""
    text = page(client, query)
    row = text.partition(f'<tr data-caller="{caller}">')[2].partition("</tr>")[0]
    form = re.search(r'<form method="post" action="([^"]+)" id="([^"]+)">', row)
    assert form
    assert f'form="{form[2]}" name="{button}" value="{connector}"' in row
    sent = {"caller": caller, button: connector}
    response = client.post(unescape(form[1]), sent, follow=True)
    assert response.redirect_chain == [(reverse(APPROVALS) + query, 302)]
    return response.content.decode()


def state(caller: str = "blog", connector: str = "acme") -> str:
    return str(Approval.objects.get(caller=caller, connector=connector).state)


def test_a_refused_request_is_pending_with_its_attempts_and_times(alice: Client) -> None:
    refuse(attempts=2)
    refuse(attempts=1)
    text = page(alice)
    shown = cell(text, "blog", "acme")
    assert shown.startswith("Pending 3 refused attempts First seen ")
    assert "Last seen " in shown
    assert shown.endswith("Allow Deny Forget")
    assert 'datetime="2026-01-01T' in text


def test_columns_are_what_is_in_use_or_was_asked_for(alice: Client) -> None:
    create_connection(name="primary", provider="acme", api_key="sk-0123456789abcdef", model="m")
    refuse(connector="any_where")
    text = page(alice)
    head = text.partition('id="approvals-caption"')[2].partition("</thead>")[0]
    assert re.findall(r'<th scope="col">(.*?)</th>', head) == ["Caller", "Acme", "Anywhere"]
    assert cell(text, "blog", "acme") == "Not decided: allowed Allow Deny"
    registry.register(replace(ACME, slug="unused", name="Unused"))
    try:
        assert "Unused" not in page(alice)
    finally:
        registry.unregister("unused")


def test_a_connector_that_has_gone_is_shown_and_can_be_decided_about(alice: Client) -> None:
    refuse(connector="gone")
    refuse("shop")
    text = page(alice)
    assert cell(text, "blog", "gone").startswith("Pending")
    assert cell(text, "shop", "gone") == "Not decided: allowed"
    press(alice, "deny", "blog", "gone")
    assert state(connector="gone") == "denied"


def test_a_caller_is_allowed_denied_and_forgotten(alice: Client) -> None:
    refuse()
    text = press(alice, "allow", "blog", "acme")
    assert "Allowed blog to use acme." in text
    assert cell(text, "blog", "acme").startswith("Allowed 1 refused attempt ")
    assert cell(text, "blog", "acme").endswith("Deny Forget")
    assert state() == "allowed"
    text = press(alice, "deny", "blog", "acme")
    assert "Denied blog the use of acme." in text
    assert cell(text, "blog", "acme").startswith("Denied")
    assert state() == "denied"
    text = press(alice, "forget", "blog", "acme")
    assert "Forgot blog and acme." in text
    assert "Nothing to decide yet" in text
    assert not Approval.objects.exists()
    again = alice.post(reverse(APPROVALS), {"caller": "blog", "forget": "acme"}, follow=True)
    assert "There was nothing to forget" in again.content.decode()


def test_a_caller_is_decided_about_before_it_asks(alice: Client) -> None:
    assert "Decide before it asks" not in page(alice)
    create_connection(name="primary", provider="acme", api_key="sk-0123456789abcdef", model="m")
    assert '<option value="acme">Acme</option>' in page(alice)
    sent = {"caller": " gateway:laptop ", "connector": "acme", "allow": ""}
    alice.post(reverse(APPROVALS), sent)
    assert state("gateway:laptop") == "allowed"


def test_what_is_wrong_is_said_and_what_was_typed_stays(alice: Client) -> None:
    refuse()
    for caller, connector, said in (
        ("", "acme", "The caller must be text on one line"),
        ("x" * 151, "acme", "The caller must be text on one line"),
        ("<shop>", "nowhere", "nowhere"),
    ):
        sent = {"caller": caller, "connector": connector, "allow": ""}
        response = alice.post(reverse(APPROVALS), sent)
        assert response.status_code == 422
        text = response.content.decode()
        assert said in text.partition('role="alert"')[2].partition("</p>")[0]
        assert f'value="{caller}"'.replace("<", "&lt;").replace(">", "&gt;") in text
    assert Approval.objects.count() == 1


def test_a_post_that_no_button_sends_decides_nothing(alice: Client) -> None:
    refuse()
    for sent in ({"caller": "blog", "connector": "acme"}, {"caller": "a\0", "forget": "acme"}):
        assert alice.post(reverse(APPROVALS), sent).status_code == 400
    assert alice.put(reverse(APPROVALS)).status_code == 405
    assert state() == "pending"


def test_names_are_text_and_not_markup(alice: Client) -> None:
    refuse('<script>"x"</script>')
    text = page(alice)
    assert "&lt;script&gt;&quot;x&quot;" in text
    assert '<script>"x"' not in text


@pytest.mark.parametrize(
    ("policy", "said", "other"),
    [
        ("allow", "Every caller may use every connector, unless it is denied here.", "ask"),
        ("ask", "A caller may use only the connectors that it is allowed here.", "allow"),
    ],
)
def test_the_policy_is_said_and_how_to_change_it(
    policy: str, said: str, other: str, alice: Client, settings: Settings
) -> None:
    settings.CONNECTORS = {"APPROVAL": policy}
    text = page(alice)
    assert said in text
    assert f'<code>CONNECTORS["APPROVAL"] = "{other}"</code>' in unescape(text)


def test_who_may_only_look_sees_no_button_and_decides_nothing(bob: Client) -> None:
    refuse()
    text = page(bob)
    assert cell(text, "blog", "acme").startswith("Pending 1 refused attempt")
    assert 'name="allow"' not in text
    for button in ("Allow", "Deny", "Forget"):
        assert button not in cell(text, "blog", "acme")
        sent = {"caller": "blog", button.lower(): "acme"}
        assert bob.post(reverse(APPROVALS), sent).status_code == 403
    assert state() == "pending"


def test_deciding_takes_its_own_permission_and_no_other(bob: Client) -> None:
    refuse()
    user = User.objects.get(username="bob")
    others = Permission.objects.exclude(codename="decide_approval")
    user.user_permissions.set(others)
    sent = {"caller": "blog", "allow": "acme"}
    assert bob.post(reverse(APPROVALS), sent).status_code == 403
    codenames = ["view_connection", "decide_approval"]
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    press(bob, "allow", "blog", "acme")
    assert state() == "allowed"
    user.user_permissions.set(Permission.objects.filter(codename="decide_approval"))
    assert bob.get(reverse(APPROVALS)).status_code == 403
    assert bob.post(reverse(APPROVALS), {"caller": "blog", "deny": "acme"}).status_code == 403
    assert state() == "allowed"


@pytest.mark.parametrize("known", [True, False])
def test_others_are_sent_to_the_login_of_the_admin(client: Client, known: bool) -> None:
    refuse()
    if known:
        client.force_login(User.objects.create_user("charlie"))
    sent = {"caller": "blog", "allow": "acme"}
    for answer in (client.get(reverse(APPROVALS)), client.post(reverse(APPROVALS), sent)):
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith(reverse("admin:login"))
    assert state() == "pending"


def test_a_form_of_another_site_decides_nothing() -> None:
    refuse()
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("alice"))
    sent = {"caller": "blog", "allow": "acme"}
    assert client.post(reverse(APPROVALS), sent).status_code == 403
    assert state() == "pending"
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page(client))
    assert token
    sent["csrfmiddlewaretoken"] = token[1]
    assert client.post(reverse(APPROVALS), sent).status_code == 302
    assert state() == "allowed"


def test_the_policy_of_content_is_that_of_the_connectors_page(alice: Client) -> None:
    refuse()

    def headers(name: str) -> dict[str, str]:
        kept = dict(alice.get(reverse(name)).headers.items())
        for of_the_moment in ("Content-Length", "Expires"):
            kept.pop(of_the_moment, None)
        kept["Content-Security-Policy"] = re.sub(
            r"nonce-[^']+", "nonce", kept["Content-Security-Policy"]
        )
        return kept

    assert headers(APPROVALS)["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers(APPROVALS) == headers(INDEX)
    text = page(alice)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)


def test_the_connectors_page_leads_here_and_back(alice: Client) -> None:
    def link() -> str:
        text = alice.get(reverse(INDEX)).content.decode()
        assert f'href="{reverse(APPROVALS)}"' in text
        return text.partition('class="approvals-link"')[2].partition("</p>")[0]

    assert "your decision" not in link()
    refuse()
    assert "1 refused caller waits for your decision." in link()
    refuse("shop")
    assert "2 refused callers wait for your decision." in link()
    crumbs = page(alice).partition('class="breadcrumbs"')[2].partition("</div>")[0]
    assert f'href="{reverse(INDEX)}"' in crumbs
    assert "Approvals" in crumbs


def test_open_questions_come_first_and_pages_keep_the_place(alice: Client) -> None:
    for number in range(CALLERS_ON_A_PAGE):
        decide(f"caller-{number:03}", "acme", "denied")
    refuse("zebra")
    first = page(alice)
    shown = re.findall(r'<tr data-caller="([^"]+)">', first)
    assert len(shown) == CALLERS_ON_A_PAGE
    assert shown[0] == "zebra"
    assert "Page 1 of 2" in first
    assert 'href="?page=2"' in first
    last = f"caller-{CALLERS_ON_A_PAGE - 1:03}"
    press(alice, "allow", last, "acme", query="?page=2")
    assert state(last) == "allowed"
    assert "Page 2 of 2" in page(alice, "?page=99")


def test_the_number_of_queries_does_not_grow(alice: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(database) as captured:
            page(alice)
        return len(captured)

    refuse()
    queries()
    with_one = queries()
    for number in range(30):
        create_connection(name=f"c{number}", provider="acme", api_key="k" * 20, model="m")
        refuse(f"caller-{number}")
        refuse(f"caller-{number}", f"connector-{number}")
    assert queries() == with_one


def test_another_admin_site_and_prefix(client: Client, settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.connectors.other_site"
    settings.CONNECTORS = {"ADMIN_SITE": "tests.connectors.other_site.office"}
    answer = client.get("/deep/down/connectors/approvals/")
    expected = "/office/login/?next=/deep/down/connectors/approvals/"
    assert answer.headers["Location"] == expected
    client.force_login(User.objects.create_superuser("alice"))
    refuse()
    text = page(client)
    assert 'href="/office/"' in text
    assert 'action="/deep/down/connectors/approvals/"' in text
