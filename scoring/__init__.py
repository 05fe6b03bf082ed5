"""What training, serving and monitoring share so that a decision can be replayed anywhere."""
