"""Bulk work on a Ray cluster: millions of pictures, in folders, Parquet files or WebDataset shards (docs/scale.md)."""

#: How pictures lie in a place: each in a file, or many in Parquet files or WebDataset shards.
KINDS = ("files", "parquet", "webdataset")
