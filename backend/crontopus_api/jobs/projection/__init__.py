"""Makes the database say what Git says: what is read (`reading`), how it is written (`writing`), when (`projector`)."""
