"""The model: what a store keeps, field by field."""
