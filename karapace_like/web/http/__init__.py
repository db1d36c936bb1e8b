"""HTTP itself: bodies, media types, responses, errors and limits, which do not depend on the caller."""
