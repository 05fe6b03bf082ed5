"""Any CSV or Parquet file into the journal, by a YAML mapping."""
