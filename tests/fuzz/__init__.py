"""A coverage-guided fuzzer over what strangers' bytes reach first; ``make fuzz`` runs it."""
