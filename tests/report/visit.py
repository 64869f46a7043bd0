"""A page in headless Chromium, and what happened on it."""

from pathlib import Path
from typing import Any


class Visit:
    """An opened page; `settings` are those of a context of playwright."""

    def __init__(self, browser: Any, path: Path, wait_until: str = "load", **settings: Any) -> None:
        self.page = browser.new_context(**settings).new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []  # errors of scripts, and of the page's own policy
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        self.page.goto(path.resolve().as_uri(), wait_until=wait_until)
