"""One module per noun. Each parses its options, calls the client and hands the answer to `output`."""
