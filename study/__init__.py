"""Studies with people: pictures at equal bytes, questions, and what the answers say. Needs the extra `study`."""
