"""The SQLite store: the only importer of sqlite3."""
