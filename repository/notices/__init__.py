"""Notices: what somebody should know, in the page, by mail and by webhook."""
