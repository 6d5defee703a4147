"""Routes for programs: REST, OpenAPI and the Model Context Protocol."""
