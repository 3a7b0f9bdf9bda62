"""What the stories need: the real parts of the product, started and stopped for tests."""
