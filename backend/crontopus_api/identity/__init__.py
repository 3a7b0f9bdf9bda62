"""People, and the tokens with which people and machines prove who they are."""
