"""PDF: text with a box for each character, by pdfium or OCR."""
