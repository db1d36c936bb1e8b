"""Request and reply over two topics: a record is written, and the record that replies to it is waited for."""
