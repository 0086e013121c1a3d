"""The review page: a local web application to view, judge, place, retouch and rerun, with an HTTP API."""
