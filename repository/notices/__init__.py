"""Notices: what one person should know, in the page, by mail, as a digest; and what programs are told, by webhook."""
