"""Changes of definitions: thought out on a tree (`editing`, in the terms of `proposals`), judged (`judge`), told
(`effects`), made (`changes`)."""
