"""One module per medium: turns a notification into that medium's message and hands it over."""
