"""The texts of emails about an account: what happened, why it is told, what to do if it wasn't you."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Letter:
    subject: str
    text: str


def verify(username: str, link: str) -> Letter:
    return _letter(
        "Confirm your email address",
        f"Somebody, hopefully you, made the Crontopus account {username} with this address.",
        f"Open this link to confirm that, within 7 days:\n\n{link}",
        "If it wasn't you, do nothing: the account cannot be used and will be removed.",
    )


def has_account(username: str, base_url: str) -> Letter:
    return _letter(
        "You have an account already",
        f"Somebody, perhaps you, gave this address for a Crontopus account. It belongs to the account {username}.",
        f"Sign in at {base_url}/sign-in, or set a new password at {base_url}/forgot-password.",
        "If it wasn't you, do nothing: nothing was changed, and whoever it was did not learn of your account.",
    )


def reset(username: str, link: str) -> Letter:
    return _letter(
        "Set a new password",
        f"Somebody, hopefully you, asked for a new password of the Crontopus account {username}.",
        f"Open this link to set one, within an hour:\n\n{link}",
        "If it wasn't you, do nothing: the password stays as it is.",
    )


def confirm_email(username: str, link: str) -> Letter:
    return _letter(
        "Confirm your new email address",
        f"The Crontopus account {username} is to have this address.",
        f"Open this link to confirm that, within 7 days:\n\n{link}",
        "If it wasn't you, do nothing: the account keeps its address.",
    )


def email_changing(username: str, new: str, base_url: str) -> Letter:
    return _letter(
        "Your email address is to be changed",
        f"Somebody signed in to the Crontopus account {username} and asked to change its address to {new}.",
        "The change takes place once the new address is confirmed.",
        _not_you(base_url),
    )


_NOTICES = {
    "password_changed": (
        "Your password was changed",
        "The password of the Crontopus account {} was changed. All its other sessions have ended; API tokens go on.",
    ),
    "totp_enabled": (
        "Two-step sign-in is on",
        "Signing in to the Crontopus account {} now takes a code from an authenticator app, too.",
    ),
    "totp_disabled": (
        "Two-step sign-in is off",
        "Signing in to the Crontopus account {} takes the password alone again.",
    ),
    "recovery_code_used": (
        "A recovery code was used",
        "Somebody signed in to the Crontopus account {} with the password and a recovery code. Make new codes"
        " when few are left.",
    ),
    "identity_linked": (
        "Single sign-on was connected",
        "The Crontopus account {} was opened by single sign-on for the first time; the provider says that its"
        " owner has this address.",
    ),
    "many_failures": (
        "Many failed attempts to sign in",
        "Within an hour somebody tried more than 50 wrong passwords for the Crontopus account {}. None of them was"
        " right, and the account is not locked.",
    ),
}


def notice(kind: str, username: str, base_url: str) -> Letter:
    subject, what = _NOTICES[kind]
    return _letter(
        subject,
        what.format(username),
        "You get this so that you notice if it wasn't you.",
        _not_you(base_url),
    )


def _not_you(base_url: str) -> str:
    return (
        f"If it wasn't you: set a new password at {base_url}/forgot-password, end all sessions in the console under"
        " Account, and tell whoever runs this Crontopus."
    )


def _letter(subject: str, *paragraphs: str) -> Letter:
    return Letter(f"[Crontopus] {subject}", "\n\n".join(paragraphs) + "\n")
