"""Training, measuring and exporting a reader."""
