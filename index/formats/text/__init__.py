"""Plain text, Markdown, source code, delimited tables and JSON, in any encoding."""
