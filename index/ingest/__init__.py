"""From files to passages: scan the folder, load files in worker processes, split texts into passages."""
