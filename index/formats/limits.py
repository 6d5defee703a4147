"""How much is read of one file: what goes beyond is left out, and a note says so."""

MAX_TEXT_CHARS = 100_000_000
"""Characters of text that a file may come to: a hundred thick books, and 400 MB in memory at worst."""

MAX_PARTS = 10_000
"""Files within a file: more than an archive that people pack holds, fewer than would fill a ledger with rubbish."""

MAX_PART_BYTES = 256 * 1024 * 1024
"""Bytes of one file within a file: as many as a file of its own may have."""

MAX_PARTS_BYTES = 512 * 1024 * 1024
"""Bytes of all files within a file, which are in memory at once."""

MAX_COMPRESSION_RATIO = 250
"""Times that a member of an archive may grow. Logs and tables grow 50-fold, bombs 1,000-fold: deflate's utmost."""

ALWAYS_UNPACKED_BYTES = 16 * 1024 * 1024
"""A member that comes to no more is unpacked whatever its ratio: it does no harm, and an empty form grows much."""

MAX_PLACES = 200_000
"""Places of a file, 150 bytes each: where rows or lines are more, a place stands for several of them."""

MAX_HEADER_CHARS = 200
"""Characters of what may head a column: it is said again with every row."""
