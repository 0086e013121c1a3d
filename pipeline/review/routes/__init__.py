"""The operations of the review page's API, a file per resource."""
