"""Incidents by email: text and HTML, one thread for each incident, and links that act without signing in."""

from email.message import EmailMessage
from html import escape

from crontopus_api.alerts.channels import words
from crontopus_api.alerts.channels.http import clock_text, kept
from crontopus_api.alerts.channels.medium import To
from crontopus_api.alerts.channels.notification import (
    DeliveryFailed,
    Digest,
    Message,
    Notification,
    Probe,
    Receipt,
)
from crontopus_api.alerts.signed import Act, Address, SignedLinks
from crontopus_api.kit.mail import Mailer, MailNotSent

_MOST_LINES = words.MOST_LINES
# Permanent, in SMTP's words; of addresses also, but those are not the channel's trouble.
_PERMANENT = 500
_STANDING = {
    "acknowledged": "This is acknowledged.",
    "resolved": "This is resolved.",
    "reminded": "This is still open.",
}


class EmailMedium:
    def __init__(self, mailer: Mailer, links: SignedLinks) -> None:
        self._mailer = mailer
        self._links = links

    async def send(self, to: To, message: Message) -> Receipt:
        try:
            answer = await self._mailer.send(self.render(to, message))
        except MailNotSent as error:
            raise DeliveryFailed(
                str(error),
                hopeless=error.code is not None and error.code >= _PERMANENT,
                of_target=error.of_recipient,
                status=error.code,
            ) from error
        return Receipt(250, kept(answer.encode()))

    async def verify(self, _: To) -> str | None:
        return None

    def render(self, to: To, said: Message) -> EmailMessage:
        act = self._act_link(to, said)
        unsubscribe = self._links.unsubscribe(Address(to.tenant_id, to.channel_id, to.target))
        page = f"{self._links.base_url}/unsubscribe?token={unsubscribe}"
        message = self._mailer.compose(
            to.target,
            words.headline(said),
            _text(said, act, page),
            said.message_id,
            html=_html(said, act, page),
        )
        if isinstance(said, Notification) and said.thread is not None:
            message["In-Reply-To"] = message["References"] = f"<{said.thread.message_id}@crontopus>"
        # RFC 8058: mail programs post to this address when somebody presses their button.
        message["List-Unsubscribe"] = (
            f"<{self._links.base_url}/api/v1/channels/unsubscribe?token={unsubscribe}>"
        )
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        return message

    def _act_link(self, to: To, said: Message) -> str | None:
        """To a page that asks: programs that look through mail follow links."""
        if not isinstance(said, Notification) or said.event not in {"opened", "reminded"}:
            return None
        token = self._links.act(Act(to.tenant_id, to.channel_id, said.incident_id, to.target))
        return f"{self._links.base_url}/acknowledge?token={token}"


def _text(said: Message, act: str | None, unsubscribe: str) -> str:
    if isinstance(said, Digest):
        lines = _digest_lines(said)
    elif isinstance(said, Probe):
        lines = [words.body(said), "", said.url]
    else:
        lines = [said.title, ""]
        if said.event != "opened":
            lines += [_STANDING[said.event], ""]
        lines += [f"{name:<9}{value}" for name, value in words.facts(said)]
        lines += ["", said.url]
    if act is not None:
        lines += ["", f"Acknowledge: {act}"]
    return "\n".join([*lines, "", "-- ", f"No more of these to this address: {unsubscribe}", ""])


def _digest_lines(said: Digest) -> list[str]:
    lines = ["Much happened at once. One line for each:", ""]
    for each in said.notifications[:_MOST_LINES]:
        lines += [
            f"[{words.mark(each)}] {words.one_line(each.title)}",
            f"  {clock_text(each.opened_at)}, {words.one_line(each.cause)}",
            f"  {each.url}",
        ]
    if len(said.notifications) > _MOST_LINES:
        lines.append(f"… and {len(said.notifications) - _MOST_LINES} more.")
    return [*lines, "", f"All of them: {said.url}"]


def _html(said: Message, act: str | None, unsubscribe: str) -> str:
    """No images, no scripts, no styles from elsewhere: nothing tells that it was read."""
    if isinstance(said, Digest):
        shown = said.notifications[:_MOST_LINES]
        left = len(said.notifications) - len(shown)
        inner = "<p>Much happened at once. One line for each:</p><ul>"
        inner += "".join(
            f"<li>[{escape(words.mark(each))}] {_link(each.url, each.title)}<br>"
            f"{escape(clock_text(each.opened_at))}, {escape(each.cause)}</li>"
            for each in shown
        )
        inner += f"</ul><p>… and {left} more.</p>" if left else "</ul>"
        inner += f"<p>{_link(said.url, 'All of them')}</p>"
    elif isinstance(said, Probe):
        inner = f"<p>{escape(words.body(said))}</p>"
    else:
        rows = "".join(
            f'<tr><th align="left">{escape(name)}</th><td>{escape(value)}</td></tr>'
            for name, value in words.facts(said)
        )
        inner = f"<h2>{escape(said.title)}</h2>"
        inner += f"<p>{_STANDING[said.event]}</p>" if said.event != "opened" else ""
        inner += f"<table>{rows}</table><p>{_link(said.url, 'Open in Crontopus')}</p>"
    if act is not None:
        inner += f"<p>{_link(act, 'Acknowledge')}</p>"
    footer = f"<hr><p><small>{_link(unsubscribe, 'No more of these to this address')}</small></p>"
    return f'<!doctype html><html lang="en"><body>{inner}{footer}</body></html>'


def _link(url: str, text: str) -> str:
    return f'<a href="{escape(url, quote=True)}">{escape(text)}</a>'
