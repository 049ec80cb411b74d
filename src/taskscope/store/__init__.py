"""Stores: where facts and what follows from them are kept, each behind the same port."""
