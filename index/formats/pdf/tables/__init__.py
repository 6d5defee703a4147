"""Tables printed on pages of a PDF."""
