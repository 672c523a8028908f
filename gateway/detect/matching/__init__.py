"""Finding patterns in text: prefilter, readings, joins and overlaps."""
