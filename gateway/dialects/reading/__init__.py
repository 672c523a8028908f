"""What dialects share: JSON, the walk over a document, encodings, tool calls, models, streams and paths."""
