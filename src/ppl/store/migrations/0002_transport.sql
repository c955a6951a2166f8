-- What a destination's port takes: plain TCP and UDP, TLS, or either.
ALTER TABLE destination ADD COLUMN transport text NOT NULL DEFAULT 'either'
    CHECK (transport IN ('plain', 'tls', 'either'));
