"""Regular expressions that mean the same to PostgreSQL and to RE2, and are bounded."""
