"""WhatsApp's error codes: what they are called, the HTTP status they come with, and when one learns of them.

Invariant: a code in `late` is reported about an accepted message; every other one refuses the call itself.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class WhatsAppError:
    """One error of the Cloud API."""

    code: int
    title: str
    details: str
    http_status: int = 400
    late: bool = False


# fmt: off
_TABLE = (
    WhatsAppError(0, "AuthException", "The app user could not be authenticated.", 401),
    WhatsAppError(1, "API Unknown", "An unknown error occurred.", 500),
    WhatsAppError(2, "API Service", "The service is temporarily unavailable.", 503),
    WhatsAppError(3, "API Method", "The app lacks the capability.", 500),
    WhatsAppError(4, "API Too Many Calls", "The app has made too many calls.", 429),
    WhatsAppError(10, "Permission Denied", "The permission is missing or was taken away.", 403),
    WhatsAppError(33, "Parameter value is not valid", "The business phone number has been deleted."),
    WhatsAppError(100, "Invalid parameter", "A parameter is not supported or misspelled."),
    WhatsAppError(190, "Access token has expired", "The access token has expired.", 401),
    WhatsAppError(200, "API Permission", "The permission is missing or was taken away.", 403),
    WhatsAppError(368, "Temporarily blocked for policies violations", "The account is restricted.", 403),
    WhatsAppError(80007, "Rate limit issues", "The business account has reached its rate limit.", 429),
    WhatsAppError(130429, "Rate limit hit", "The number sends faster than it may.", 429),
    WhatsAppError(130472, "User's number is part of an experiment", "No marketing goes to this user.", late=True),
    WhatsAppError(130497, "Business account is restricted from messaging users in this country",
                  "The country is closed.", 403, late=True),
    WhatsAppError(131000, "Something went wrong", "An unknown error stopped the message.", 500),
    WhatsAppError(131005, "Access denied", "The permission is missing or was taken away.", 403),
    WhatsAppError(131008, "Required parameter is missing", "A required parameter is missing."),
    WhatsAppError(131009, "Parameter value is not valid", "A parameter has a value it cannot have."),
    WhatsAppError(131016, "Service unavailable", "A service is temporarily unavailable.", 503),
    WhatsAppError(131021, "Recipient cannot be sender", "Sender and recipient are the same number."),
    WhatsAppError(131026, "Message undeliverable", "The message cannot be delivered to this number.", late=True),
    WhatsAppError(131031, "Business Account locked", "The account is restricted or disabled.", 403),
    WhatsAppError(131037, "Display name approval needed", "The number's display name is not approved."),
    WhatsAppError(131042, "Business eligibility payment issue", "The payment method has a problem.", late=True),
    WhatsAppError(131045, "Incorrect certificate", "The number is not registered.", 500),
    WhatsAppError(131047, "Re-engagement message", "More than 24 hours have passed since the customer last replied.",
                  late=True),
    WhatsAppError(131048, "Spam rate limit hit", "The number is limited because users blocked or reported it.", 429,
                  late=True),
    WhatsAppError(131049, "Message not delivered to maintain healthy ecosystem engagement",
                  "Per-user marketing limit.", late=True),
    WhatsAppError(131050, "User has stopped marketing messages", "The user takes no marketing from this business.",
                  late=True),
    WhatsAppError(131051, "Unsupported message type", "The message type is not supported."),
    WhatsAppError(131052, "Media download error", "The media of the user could not be downloaded."),
    WhatsAppError(131053, "Media upload error", "The media could not be fetched from its address.", late=True),
    WhatsAppError(131056, "(Business Account, Consumer Account) pair rate limit hit",
                  "Too many messages from this number to the same phone.", 429),
    WhatsAppError(131057, "Account in maintenance mode", "The number is being upgraded.", 503),
    WhatsAppError(132000, "Number of parameters does not match the expected number of params",
                  "The template wants another number of variables."),
    WhatsAppError(132001, "Template name does not exist in the translation",
                  "There is no approved template of this name in this language.", 404),
    WhatsAppError(132005, "Translated text too long", "The filled template is too long."),
    WhatsAppError(132007, "Template format character policy violated", "The template breaks a policy."),
    WhatsAppError(132012, "Parameter format does not match format in the created template",
                  "A variable does not have the format of the template."),
    WhatsAppError(132015, "Template is paused", "The template is paused because of low quality."),
    WhatsAppError(132016, "Template is disabled", "The template was paused too often and is disabled for good."),
    WhatsAppError(132069, "Flow is throttled", "The flow has been sent too often.", 429),
    WhatsAppError(133004, "Server temporarily unavailable", "The server is temporarily unavailable.", 503),
    WhatsAppError(133010, "Phone number not registered", "The number is not registered."),
    WhatsAppError(135000, "Generic user error", "The message failed for an unknown reason."),
)
# fmt: on
ERRORS = {error.code: error for error in _TABLE}


def error_of(code: int) -> WhatsAppError:
    """Return what is known of a code; an unknown one is a refusal."""
    return ERRORS.get(code, WhatsAppError(code, f"Error {code}", "No details."))
