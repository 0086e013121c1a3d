"""The routes of the review page's HTTP API, one file per resource."""
