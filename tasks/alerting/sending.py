"""Tell a target: by HTTP with the rules of every outgoing call, or by mail over TLS.

Invariant: a target that cannot be told raises a `WorkerError` whose text has neither its address nor its answer.
"""

import smtplib
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from config.alerts import EmailTarget, SlackTarget, Target, WebhookTarget
from tasks.actions.addresses import open_socket
from tasks.actions.http import session_to
from tasks.alerting import wording
from worker.alerting import News
from worker.clock import Clock
from worker.errors import RetryableError
from worker.states import Reason


@dataclass(frozen=True)
class Sender:
    """Tells targets of failures."""

    installation: str
    clock: Clock
    timeout_seconds: float = 10.0

    def send(self, target: Target, news: Sequence[News], message_id: str) -> None:
        """Send one message, with all of the news; none of them make it a test."""
        now = self.clock()
        if isinstance(target, EmailTarget):
            self._mail(target, wording.mail_of(target, news, self.installation, message_id, now))
        elif isinstance(target, SlackTarget):
            self._post(target, wording.slack_of(news, self.installation), {})
        else:
            body = wording.json_of(news, self.installation, now)
            self._post(target, body, wording.signed(target.secret, message_id, body, now))

    def _post(self, target: WebhookTarget | SlackTarget, body: bytes, headers: Mapping[str, str]) -> None:
        given = {"Content-Type": "application/json", "User-Agent": "hookyard-alerts", **headers}
        with session_to(target, self.timeout_seconds, self.clock) as session:
            answer = session.request("POST", "", content=body, headers=given)
        if not 200 <= answer.status < 300:
            raise RetryableError(Reason.REJECTED, f"the target answered {answer.status}")

    def _mail(self, target: EmailTarget, mail: object) -> None:
        context = ssl.create_default_context()
        try:
            with _Server(target, self.timeout_seconds, context) as server:
                if target.security == "starttls":
                    server.starttls(context=context)
                if target.user is not None and target.password is not None:
                    server.login(target.user, target.password.get_secret_value())
                server.send_message(mail)  # type: ignore[arg-type]
        except smtplib.SMTPResponseException as error:
            raise RetryableError(Reason.REJECTED, f"the mail server answered {error.smtp_code}") from None
        except smtplib.SMTPRecipientsRefused as error:
            codes = sorted({code for code, _ in error.recipients.values()})
            raise RetryableError(Reason.REJECTED, f"the mail server refused every recipient: {codes}") from None
        except (OSError, smtplib.SMTPException, ValueError) as error:
            what = f"the mail server cannot be used ({type(error).__name__})"
            raise RetryableError(Reason.CONNECT_FAILED, what) from None


class _Server(smtplib.SMTP):
    """A mail server at an address that may be called."""

    def __init__(self, target: EmailTarget, timeout_seconds: float, context: ssl.SSLContext) -> None:
        self._target, self._context = target, context
        super().__init__(target.host, target.port, timeout=timeout_seconds)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        found = open_socket(self._target, host, port, timeout)
        if self._target.security != "tls":
            return found
        return self._context.wrap_socket(found, server_hostname=host)
