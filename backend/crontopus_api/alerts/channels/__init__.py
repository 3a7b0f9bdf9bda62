"""One module per medium: turns a message into that medium's form and hands it over."""
