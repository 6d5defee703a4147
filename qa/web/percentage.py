"""Percentages for people."""


def percent(confidence: float) -> str:
    """Format a probability from 0 to 1 as a percentage from 1 to 99, such as "87 %", with a no-break space."""
    return f"{min(99, max(1, round(100 * confidence)))}\u00a0%"
