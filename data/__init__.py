"""Where events come from: the simulator, importers with YAML mappings, a small sample."""
