"""Limits on what is read of one file: anything beyond is left out, with a note."""

MAX_TEXT_CHARS = 100_000_000
"""Characters of text: a hundred thick books, and 400 MB in memory at worst."""

MAX_PARTS = 10_000
"""Files within a file: more than archives usually hold, few enough to keep the ledger small."""

MAX_PART_BYTES = 256 * 1024 * 1024
"""Size of one file within a file: the same as for a file of its own."""

MAX_PARTS_BYTES = 512 * 1024 * 1024
"""Total size of all files within a file, which are in memory at once."""

MAX_COMPRESSION_RATIO = 250
"""Largest compression ratio of a member. Logs and tables reach 50, bombs 1,000, the most that deflate can do."""

ALWAYS_UNPACKED_BYTES = 16 * 1024 * 1024
"""Members up to this size are unpacked whatever their ratio: they do no harm, and empty forms compress well."""

MAX_PLACES = 200_000
"""Places of a file, 150 bytes each: beyond that, one place stands for several rows or lines."""

MAX_HEADER_CHARS = 200
"""Longest column header, in characters: headers are repeated in every row."""
