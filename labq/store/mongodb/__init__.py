"""The MongoDB store: the only importer of pymongo."""
