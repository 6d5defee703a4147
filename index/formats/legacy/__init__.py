"""Office files of the formats before 2007."""
