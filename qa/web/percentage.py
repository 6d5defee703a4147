"""Figures as people read them."""


def percent(confidence: float) -> str:
    """A probability as a percentage, 1 to 99.

    Args:
        confidence: Probability from 0 to 1.

    Returns:
        Such as "87 %", with a space that does not break.
    """
    return f"{min(99, max(1, round(100 * confidence)))}\u00a0%"
