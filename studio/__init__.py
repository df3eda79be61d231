"""The studio: a local page to try scodec on one's own pictures, and to ask people which pictures they prefer."""
