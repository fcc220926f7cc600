"""The running server: the composition root, its sockets and its processes."""
