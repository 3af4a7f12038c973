"""SQLite: the one writer, the readers, named queries, migrations, blobs. The truth lives here."""
