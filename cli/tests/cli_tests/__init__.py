"""What the tests of the CLI share. Named so that it cannot collide with other packages' tests."""
