"""How a citizen is shown to whom need not know them. Pure."""

HIDDEN = "（保密）"
"""Stands where a confidential citizen's name or number stood."""


def mask_number(number: str | None) -> str:
    """A telephone number with its middle hidden: 138****5678, 1***5, 1**; 未显示 when it was withheld.

    Of an eleven-digit mobile number the first three and last four digits stay. Of any other number about a third stays
    in sight, in equal parts at both ends, the front getting the odd one; of one to three digits only the first.
    """
    if not number:
        return "未显示"
    length = len(number)
    if length == 11 and number.isdecimal():
        return f"{number[:3]}****{number[-4:]}"
    if length <= 3:
        return number[0] + "*" * (length - 1)
    shown = max(2, length // 3)
    back = shown // 2
    front = shown - back
    return number[:front] + "*" * (length - shown) + number[length - back :]


def mask_name(name: str) -> str:
    """A name of which only the first character is shown: 申先生 becomes 申**."""
    return name[0] + "*" * (len(name) - 1) if name else ""


def without(text: str, secrets: tuple[str, ...]) -> str:
    """A text in which none of the secrets stands any more."""
    for secret in sorted((one for one in secrets if one), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text
