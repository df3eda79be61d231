"""Bulk work on a Ray cluster: millions of pictures, in folders, Parquet files or WebDataset shards (docs/scale.md)."""
