"""Jobs that agents found on their machines: kept under `discovered/` until somebody adopts them."""
