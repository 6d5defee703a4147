"""Office documents: Office Open XML, OpenDocument and RTF."""
