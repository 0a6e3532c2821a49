"""What the system tests share: the real daemon, real clients, and proof that nothing is left behind."""
