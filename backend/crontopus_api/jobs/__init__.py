"""Job definitions as projected from Git, and the instances in which they are expected to run."""
