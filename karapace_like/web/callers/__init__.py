"""Authentication, permissions and quotas of callers."""
