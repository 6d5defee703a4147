"""Excel workbooks, XML and binary."""
