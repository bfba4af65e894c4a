"""What a browser can ask: a file for each page of questions."""
