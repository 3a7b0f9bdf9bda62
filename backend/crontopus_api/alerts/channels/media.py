"""Every medium there is, by the kind of its channels."""

from collections.abc import Mapping

from crontopus_api.alerts.channels.chats import DiscordMedium, NtfyMedium, TeamsMedium, TelegramMedium
from crontopus_api.alerts.channels.email import EmailMedium
from crontopus_api.alerts.channels.http import Web
from crontopus_api.alerts.channels.medium import Medium
from crontopus_api.alerts.channels.opsgenie import OpsgenieMedium
from crontopus_api.alerts.channels.pagerduty import PagerDutyMedium
from crontopus_api.alerts.channels.slack import SlackMedium, SlackWebhookMedium
from crontopus_api.alerts.channels.webhook import WebhookMedium
from crontopus_api.alerts.signed import SignedLinks
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.mail import Mailer

Media = Mapping[str, Medium]


def all_media(mailer: Mailer, links: SignedLinks, web: Web, clock: Clock) -> dict[str, Medium]:
    return {
        "email": EmailMedium(mailer, links),
        "slack": SlackMedium(web, links),
        "slack_webhook": SlackWebhookMedium(web),
        "pagerduty": PagerDutyMedium(web),
        "webhook": WebhookMedium(web, clock),
        "teams": TeamsMedium(web),
        "discord": DiscordMedium(web),
        "telegram": TelegramMedium(web),
        "ntfy": NtfyMedium(web),
        "opsgenie": OpsgenieMedium(web),
    }
