"""The dashboard: what waits for the person who looks, what failed, and what the archive holds, as far as that person may see."""
