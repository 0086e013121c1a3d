"""The review page: a local web application to look, judge, place, retouch and rerun, and the same as an HTTP API."""
