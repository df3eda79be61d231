"""The .scz file: header, sections and checksum, and what they tell without decoding. docs/format.md has every byte."""
