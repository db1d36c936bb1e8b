"""Key management services behind one table: wrap and unwrap DEKs with a key that the service holds."""
