"""Changes of definitions: thought out on a tree (`editing`), judged (`judge`), told (`effects`), made (`changes`)."""
