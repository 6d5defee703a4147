"""The command line: `verbatim …`."""
