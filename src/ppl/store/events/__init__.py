"""Events in PostgreSQL: appended, paged, searched, counted."""
