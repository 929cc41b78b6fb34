"""Resumable uploads: files and folders that come in pieces and become one package."""
