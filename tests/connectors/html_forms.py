"""What a browser without JavaScript sends: the controls of a form as they stand in the page."""

from __future__ import annotations

from html.parser import HTMLParser

CONNECTION_FORM = "connection-form"


class _Form(HTMLParser):
    def __init__(self, css_class: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self.found = False
        self._class = css_class
        self._inside = False
        self._select = ""
        self._area: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and self._class in given.get("class", "").split():
            self.found = self._inside = True
        if not self._inside:
            return
        name, value = given.get("name", ""), given.get("value", "")
        if tag == "input" and given.get("type") in ("checkbox", "radio"):
            if "checked" in given:
                self.values[name] = value or "on"
        elif tag == "input" and name:
            self.values[name] = value
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            if "selected" in given or self._select not in self.values:
                self.values[self._select] = value
        elif tag == "textarea":
            self._area = name
            self.values[name] = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.values[self._area] += data.removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        match tag:
            case "form":
                self._inside = False
            case "select":
                self._select = ""
            case "textarea":
                self._area = None


def as_sent(page: str, css_class: str = CONNECTION_FORM) -> dict[str, str]:
    """The names and values of the form with that class, its buttons left out."""
    form = _Form(css_class)
    form.feed(page)
    assert form.found, f"There is no form {css_class}."
    return form.values
