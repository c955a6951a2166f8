-- Certificates (PEM) of which a sender's own must be one or be signed by one; '': senders need none.
ALTER TABLE destination ADD COLUMN client_certificates text NOT NULL DEFAULT '';
