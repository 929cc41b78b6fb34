"""OCFL 1.1 (Oxford Common File Layout): writing, reading, checking and validating objects. https://ocfl.io/1.1/spec/"""
