"""Files and folders: whole or not at all, many at a time, in any format that Pillow writes."""
