"""The command line, `verbatim …`."""
