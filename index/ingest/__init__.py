"""From files to passages: scan the folder, load files in worker processes, cut texts into passages."""
