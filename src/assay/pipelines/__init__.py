"""The use cases, and the only place where the packages meet: objects are built from settings and passed down."""
