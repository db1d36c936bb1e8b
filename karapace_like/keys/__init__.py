"""Encryption keys: KEKs, which a KMS holds, and the DEKs that they wrap, with the DEK registry that keeps both."""
