"""The site's HTTP: requests, sessions, routes, templates and assets."""
