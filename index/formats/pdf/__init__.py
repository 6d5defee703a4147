"""PDF: pages as text with a box for each character, by pdfium, or by OCR."""
