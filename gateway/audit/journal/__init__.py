"""The live journal: writers, their segments, and segments left by dead writers."""
