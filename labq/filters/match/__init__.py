"""What a query document matches, decided in Python as mongod decides it."""
