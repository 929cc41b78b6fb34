"""What makes the pages of previews. Only the child process (`access.previews.child`) loads these modules."""
