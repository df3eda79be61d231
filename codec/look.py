"""The look of a rebuilt picture: faithful is the least error, natural has plausible colours and texture."""

from scodec.errors import BadRequest

LOOKS = {"faithful": 0.0, "natural": 1.0}
#: Of `decode` and `restore`.
DEFAULT = "faithful"


def number(look: str | float) -> float:
    """A look by name, or what lies between as a number from 0 (faithful) to 1 (natural). Raises BadRequest."""
    try:
        value = LOOKS[look] if isinstance(look, str) and look in LOOKS else float(look)
    except (TypeError, ValueError):
        value = -1.0
    if not 0 <= value <= 1:
        raise BadRequest(f"the look {look!r} is unknown: give {' or '.join(LOOKS)}, or a number from 0 to 1 between")
    return value
