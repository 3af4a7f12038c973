"""Forward-only migrations: ``0007_add_debounce.sql``, numbered, never edited once released."""
