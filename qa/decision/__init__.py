"""Decision: from scored spans to one answer with a calibrated confidence, or to none."""
