"""The first steps: a folder to start from, the page that a fresh gateway prints, and the demonstration."""
