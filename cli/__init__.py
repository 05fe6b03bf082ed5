"""The assay command: composition only."""
