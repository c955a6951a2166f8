"""Regular expressions of bounded size that mean the same to PostgreSQL and to RE2."""
